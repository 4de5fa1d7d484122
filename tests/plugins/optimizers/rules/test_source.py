import inspect
import re
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from functools import partial
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.rule import TRICKS, Rule
from evokit_optimizers.rules.scheduled import SCHEDULED
from evokit_optimizers.rules.source import optimizer_source, write_optimizer
from evokit_optimizers.rules.terms import TERMS, Term
from tests.plugins.optimizers.rules.linted import assert_clean
from tests.plugins.optimizers.rules.random_rules import SHAPES, recorded, replayed, rules, tricky_rules

FULL = Rule(
    (("ADAM_TERM", 1.0), ("SIGN_MOMENTUM", -0.3), ("ORTHOGONAL_MOMENTUM", 0.1), ("NORM_GRAD", 0.2)),
    lr=0.01,
    weight_decay=0.1,
    decoupled=False,
    clipping="norm",
    warmup=0.2,
    decay="cosine",
)

TRICKY = Rule((("ADAM_TERM", 1.0),), weight_decay=0.1, **dict.fromkeys(TRICKS, True))

SOAP = Rule((("SOAP_TERM", 1.0),))


def _exported(rule):
    module = ModuleType("exported")
    exec(compile(optimizer_source(rule), "exported.py", "exec"), vars(module))
    return module.EvolvedOptimizer


def _parameters(start):
    pieces = start.split([15, 7, 12, 1])
    return [torch.nn.Parameter(piece.clone().view(shape)) for piece, shape in zip(pieces, SHAPES, strict=True)]


def _feed(parameters, gradient):
    for p, g in zip(parameters, gradient.split([15, 7, 12, 1]), strict=True):
        p.grad = g.view(p.shape).clone()


def _flat(parameters):
    return torch.cat([p.detach().flatten() for p in parameters])


def _path(optimizer, parameters, gradients):
    path = []
    for gradient in gradients:
        _feed(parameters, gradient)
        optimizer.step()
        path.append(_flat(parameters))
    return torch.stack(path)


@settings(max_examples=60, deadline=None)
@given(st.one_of(rules, tricky_rules))
def test_exported_optimizers_are_bit_equal_to_the_search_for_ten_steps(rule):
    start, gradients = recorded(10, torch.float32)
    parameters = _parameters(start)
    cls = _exported(rule)
    schedule = {"total_steps": 10} if "total_steps" in inspect.signature(cls).parameters else {}
    path = _path(cls(parameters, **schedule), parameters, gradients)
    assert torch.equal(path, replayed(canonical(rule), start, gradients))


def test_defaults_are_the_evolved_ones():
    group = _exported(FULL)(_parameters(recorded(1)[0])).param_groups[0]
    assert (group["lr"], group["betas"], group["weight_decay"], group["total_steps"]) == (0.01, (0.9, 0.999), 0.1, None)


def test_without_total_steps_there_is_no_schedule():
    start, gradients = recorded(3, torch.float32)
    parameters = _parameters(start)
    unscheduled = Rule(FULL.terms, lr=FULL.lr, weight_decay=0.1, decoupled=False, clipping="norm")
    assert torch.equal(
        _path(_exported(FULL)(parameters), parameters, gradients), replayed(canonical(unscheduled), start, gradients)
    )


def test_a_rule_without_schedule_takes_no_total_steps():
    assert "total_steps" not in inspect.signature(_exported(KNOWN["adamw"])).parameters


def test_groups_have_settings_of_their_own():
    parameters = _parameters(torch.ones(35))
    optimizer = _exported(Rule((("SIGN_GRAD", 1.0),), lr=0.5))(
        [{"params": parameters[:2]}, {"params": parameters[2:], "lr": 0.25, "weight_decay": 1.0}]
    )
    _feed(parameters, torch.ones(35))
    optimizer.step()
    assert [p.flatten()[0].item() for p in parameters] == [0.5, 0.5, 0.5, 0.5]
    optimizer.step()
    assert [p.flatten()[0].item() for p in parameters] == [0.0, 0.0, 0.125, 0.125]


def test_training_continues_from_a_saved_state_bit_for_bit(tmp_path):
    start, gradients = recorded(10, torch.float32)
    cls, parameters = _exported(FULL), _parameters(start)
    whole = _path(cls(parameters, total_steps=10), parameters, gradients)
    first = _parameters(start)
    optimizer = cls(first, total_steps=10)
    _path(optimizer, first, gradients[:4])
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    second = _parameters(_flat(first))
    optimizer = cls(second)
    optimizer.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(_path(optimizer, second, gradients[4:]), whole[4:])


def test_a_copy_goes_on_bit_for_bit_and_working_memory_is_not_saved():
    start, gradients = recorded(4, torch.float32)
    parameters = _parameters(start)
    optimizer = _exported(FULL)(parameters)
    _path(optimizer, parameters, gradients[:2])
    twin, twins = deepcopy((optimizer, parameters))
    assert torch.equal(_path(twin, twins, gradients[2:]), _path(optimizer, parameters, gradients[2:]))
    assert set(optimizer.state_dict()["state"][0]) == {"step", *canonical(FULL).buffers}


def test_a_scheduler_of_torch_sets_the_learning_rate():
    parameters = _parameters(torch.zeros(35))
    optimizer = _exported(Rule((("SIGN_GRAD", 1.0),), lr=1.0))(parameters)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    for _ in range(3):
        _feed(parameters, -torch.ones(35))
        optimizer.step()
        scheduler.step()
    assert _flat(parameters).tolist() == [1.75] * 35


def test_sparse_gradients_are_refused_before_anything_changes():
    embedding = torch.nn.Embedding(4, 2, sparse=True)
    optimizer = _exported(FULL)(embedding.parameters())
    embedding(torch.tensor([1])).sum().backward()
    with pytest.raises(RuntimeError, match="needs dense gradients; make embeddings with sparse=False"):
        optimizer.step()
    assert not optimizer.state


def test_a_parameter_that_joins_late_is_corrected_by_its_own_age():
    first, late = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(2))
    optimizer = _exported(Rule((("ADAM_TERM", 1.0),), lr=1.0, eps=1e-12))([first, late])
    first.grad = torch.ones(2)
    for _ in range(3):
        optimizer.step()
    late.grad = torch.full((2,), 5.0)
    optimizer.step()
    assert late.tolist() == pytest.approx([-1.0, -1.0])


def test_a_step_without_gradients_changes_nothing():
    parameter = torch.nn.Parameter(torch.ones(2))
    _exported(FULL)([parameter]).step()
    assert parameter.tolist() == [1, 1]


def test_closures_are_run_with_gradients_and_their_loss_is_returned():
    parameter = torch.nn.Parameter(torch.ones(2))
    optimizer = _exported(KNOWN["sgd"])([parameter])

    def closure():
        loss = (parameter**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 2
    assert parameter.max() < 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"lr": -1}, "lr must be a number of at least 0, got -1"),
        ({"lr": "0.1"}, "lr must be a number of at least 0, got '0.1'"),
        ({"weight_decay": float("nan")}, "weight_decay must be a number of at least 0, got nan"),
        ({"betas": (0.9, 1.0)}, "betas must be at least 0 and below 1, got 1.0"),
        ({"total_steps": 0}, "total_steps must be a whole number of at least 1, or None, got 0"),
        ({"total_steps": "9"}, "total_steps must be a whole number of at least 1, or None, got '9'"),
    ],
)
def test_settings_out_of_their_range_are_refused_for_all_parameters_and_for_a_group(setting, message):
    group = {"params": [torch.nn.Parameter(torch.ones(2, 2))], "group": "hidden"}
    made, grouped = (_exported(SCHEDULED[name]) for name in ("adamw_scheduled", "muon_scheduled"))
    for make in (
        lambda: made(group["params"], **setting),
        lambda: made([{**group, **setting}]),
        lambda: grouped([{**group, **setting}]),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            make()


def test_steps_of_newton_and_schulz_are_a_whole_number():
    group = {"params": [torch.nn.Parameter(torch.ones(2, 2))], "group": "hidden", "ns_steps": 0}
    with pytest.raises(ValueError, match=r"^ns_steps must be a whole number of at least 1, got 0$"):
        _exported(SCHEDULED["muon_scheduled"])([group])


def test_the_formula_is_in_the_docstring():
    assert "p = p - lr (m / (sqrt(v) + eps))" in _exported(KNOWN["adamw"]).__doc__


def test_the_file_is_used_in_a_process_that_imports_no_evokit(tmp_path):
    write_optimizer(FULL, tmp_path / "evolved.py", "Champion")
    code = (
        "import sys, torch; from evolved import Champion; p = torch.nn.Parameter(torch.ones(3, 2)); p.grad = p + 0.0;"
        "Champion([p]).step(); sys.exit(any(name.startswith('evokit') for name in sys.modules) or bool((p == 1).any()))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


_CLEAN = {"full": FULL, "tricky": TRICKY, **KNOWN, "soap": SOAP, "nothing": Rule(())}


@pytest.mark.parametrize("rule", _CLEAN.values(), ids=_CLEAN)
def test_the_file_is_clean_and_formatted(rule, tmp_path):
    assert_clean(rule, tmp_path)


def test_a_long_formula_is_wrapped(tmp_path):
    rule = Rule(tuple((name, 1 / (i + 3)) for i, name in enumerate(TERMS)), bias_correction=False)
    assert max(map(len, optimizer_source(rule).splitlines())) <= 120


@pytest.mark.parametrize("rule", [KNOWN["adam"], KNOWN["muon"]], ids=["plain", "parts"])
def test_what_is_said_of_its_measuring_ends_no_docstring(rule):
    module = ModuleType("exported")
    source = optimizer_source(rule, measured=['by """a\\', "and " * 40])
    exec(compile(source, "exported.py", "exec"), vars(module))
    assert "    Measured:\n        by '''a/\n        and and" in module.EvolvedOptimizer.__doc__
    assert max(map(len, source.splitlines())) <= 120


def test_a_compiled_training_step_makes_the_same_steps_and_is_compiled_once():
    x, y = torch.randn(16, 6, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 3
    graphs = []

    def counted(graph, inputs):
        graphs.append(graph)
        return graph

    def trained(wrapped):
        net = _network(torch.float32)
        optimizer = _exported(FULL)(net.parameters(), total_steps=12)

        def step():
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()

        step = wrapped(step)
        for _ in range(12):
            step()
        return _flat(net.parameters())

    compiled = trained(partial(torch.compile, backend=counted))
    assert torch.equal(compiled, trained(lambda step: step))
    assert len(graphs) == 1


def test_scaled_losses_make_the_same_steps_and_a_step_that_overflows_is_left_out():
    x, y = torch.randn(16, 6, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 3
    plain, scaled = _network(torch.float32), _network(torch.float32)
    optimizer, other = _exported(FULL)(plain.parameters()), _exported(FULL)(scaled.parameters())
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    for step in range(6):
        other.zero_grad()
        scaler.scale(torch.nn.functional.cross_entropy(scaled(x), y)).backward()
        if step == 3:
            scaled[0].bias.grad[0] = torch.inf
        scaler.step(other)
        scaler.update()
        if step != 3:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(plain(x), y).backward()
            optimizer.step()
    assert torch.equal(_flat(plain.parameters()), _flat(scaled.parameters()))
    assert scaler.get_scale() == 2.0**9


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
@pytest.mark.parametrize("rule", [FULL, TRICKY, KNOWN["adamw"], SOAP], ids=["full", "tricky", "adamw", "soap"])
def test_parameters_of_other_precisions_are_trained_in_them(rule, dtype):
    net = _network(dtype)
    x, y = torch.randn(16, 6, generator=torch.Generator().manual_seed(0)).to(dtype), torch.arange(16) % 3
    optimizer, losses = _exported(rule)(net.parameters(), lr=0.01), []
    for _ in range(30):
        optimizer.zero_grad()
        losses.append(torch.nn.functional.cross_entropy(net(x), y))
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.95 * losses[0]
    optimizer.load_state_dict(optimizer.state_dict())
    assert {state["average"].dtype for state in optimizer.state.values()} == {dtype}


def _network(dtype):
    generator = torch.Generator().manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3)).to(dtype)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 2)
    return net


def test_a_learning_rate_that_is_a_tensor_stays_as_it_is():
    start, gradients = recorded(3, torch.float64)
    lr, parameters, others = torch.tensor(0.01, dtype=torch.float64), _parameters(start), _parameters(start)
    path = _path(_exported(FULL)(parameters, lr=lr, total_steps=10), parameters, gradients)
    expected = _path(_exported(FULL)(others, lr=0.01, total_steps=10), others, gradients)
    assert lr == 0.01
    torch.testing.assert_close(path, expected)


def test_the_strictest_type_checker_has_nothing_to_say(tmp_path):
    averaged = replace(FULL, averaging=0.2, lookahead=5, clipping="value", centralised=True)
    rules = {name: _CLEAN[name] for name in ("full", "tricky", "muon", "soap", "nothing")} | {"averaged": averaged}
    for name, rule in rules.items():
        write_optimizer(rule, tmp_path / f"{name}.py")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", *(f"{name}.py" for name in rules)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_name_that_is_no_identifier_is_refused():
    with pytest.raises(ValueError, match="name: must be an identifier, got 'my optimizer'"):
        optimizer_source(KNOWN["sgd"], "my optimizer")


CUBE_POWER = 3


def _cube(out, gradient):
    for one, tensor in zip(out, gradient, strict=True):
        torch.mul(_square(tensor), tensor, out=one)


def _square(tensor):
    return tensor * tensor


def _power(out, gradient):
    for one, tensor in zip(out, gradient, strict=True):
        one.copy_(tensor**CUBE_POWER)


def _rule_with(value):
    return Rule((("MINE", 1.0),), lr=1.0, vocabulary={"MINE": Term("mine", ("gradient",), value)})


def test_a_term_of_a_third_party_is_exported_with_the_functions_that_it_calls():
    start, gradients = recorded(3, torch.float32)
    parameters = _parameters(start)
    rule = _rule_with(_cube)
    path = _path(_exported(rule)(parameters), parameters, gradients)
    assert torch.equal(path, replayed(rule, start, gradients))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda out, gradient: None, "a term's value must be a plain function of a module"),
        (_power, "it uses CUBE_POWER of its module"),
    ],
    ids=["lambda", "constant"],
)
def test_a_term_that_cannot_stand_alone_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        optimizer_source(_rule_with(value))


@pytest.mark.slow
def test_the_exported_optimizer_trains_in_the_trainer_of_transformers(tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

    model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=16, vocab_size=32, n_positions=16))
    optimizer = _exported(FULL)(model.parameters(), lr=0.01)
    tokens = torch.arange(16) % 4
    arguments = TrainingArguments(
        output_dir=str(tmp_path), max_steps=30, report_to=[], use_cpu=True, logging_steps=5, save_steps=15
    )
    trainer = Trainer(
        model, arguments, train_dataset=[{"input_ids": tokens, "labels": tokens}] * 64, optimizers=(optimizer, None)
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < 0.7 * losses[0]
    trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-15"))
    assert trainer.state.global_step == 30
