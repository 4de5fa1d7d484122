"""A crew that exists on paper only."""

from evokit.interfaces import Evaluation
from evokit.measuring.execution import Task, lost
from evokit.measuring.executors import InOrder


class PaperCrew:
    """Ends begun tasks in an order that ``choose`` decides. Genes that are strings name how they are lost.

    ``heals`` is how often a string has to be tried before it is measured after all.
    """

    def __init__(self, n=2, choose=lambda n: 0, heals=None, used=None):
        self.n, self.choose, self.heals, self.used = n, choose, heals, used or {}
        self.busy, self.begun, self.tries, self.stopped = {}, [], {}, False

    @property
    def room(self):
        return len(self.busy) < self.n

    def cpu_s(self, ticket):
        (genes,) = self.busy[ticket].genes if ticket in self.busy else [None]
        return self.used.get(genes, 0.0)

    def begin(self, ticket, task, limit_s):
        assert self.room
        self.busy[ticket] = task
        self.begun.append((list(task.genes), limit_s))

    def ended(self):
        ticket = list(self.busy)[self.choose(len(self.busy))]
        return [(ticket, self.measure(self.busy.pop(ticket)))]

    def measure(self, task):
        for genes in task.genes:
            if isinstance(genes, str):
                self.tries[genes] = self.tries.get(genes, 0) + 1
                if self.heals is None or self.tries[genes] < self.heals:
                    return lost(task, genes, "gone", 3.0)
        return [Evaluation((float(len(genes) if isinstance(genes, str) else genes),), work=1) for genes in task.genes]

    def stop(self, tickets):
        self.busy = {ticket: task for ticket, task in self.busy.items() if ticket not in tickets}
        self.stopped = True

    def close(self):
        self.closed = True


def outcomes(answer):
    return [one.values[0] if one.ok else one.outcome for one in answer]


def run(crew, batches, timeout_s=None, retries=1, job="search"):
    return [outcomes(answer) for answer in InOrder(crew, timeout_s, retries).map(Task(b, 1, job) for b in batches)]
