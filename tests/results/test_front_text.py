from evokit.results.front_text import front_told


def test_the_knee_of_a_front_is_named_where_it_has_one():
    def told(*values):
        front = [{"key": f"{at}" * 16, "values": point, "shared_by": 1} for at, point in enumerate(values)]
        summary = {"front": front, "objectives": {"f": "min", "g": "max"}, "hypervolume": {"search": 0.5}}
        return front_told(summary)[2]

    assert told([0.0, 0.0], [0.2, 3.0], [1.0, 4.0])[-1].endswith("between the ends: f 0.2000, g 3, key 11111111")
    assert not any("knee" in line for line in told([0.0, 0.0], [0.8, 1.0], [1.0, 4.0]))
    assert not any("knee" in line for line in told([0.0, 0.0]))
