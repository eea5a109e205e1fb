"""Runs our workloads and the Python peers alternately and writes docs/src/benchmarks.md.

Usage: python3 benches/peers/compare.py [--venv DIR] [--torch] [--threads T] [--rounds R] [--only a,b] [--no-page] [--json FILE]

Every case runs `rounds` times on each side by turns, so that a change of the machine's load hits both. The table compares the least
processor seconds of a run for one thread, the least wall seconds for more."""
import argparse
import json
import math
import os
import platform
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PACKAGES = ["numpy", "scipy", "numba", "jax", "diffrax", "threadpoolctl"]

# name, size, our arguments, peer script arguments
CASES = [
    ("icl_flow", "d = 8", ["--d", "8"], ["--d", "8", "--impl", "scipy_lsoda_reduced,scipy_dop853,jax_rk4,jax_tsit5"]),
    ("icl_flow", "d = 32", ["--d", "32"], ["--d", "32", "--impl", "scipy_lsoda_reduced,scipy_dop853,jax_rk4,jax_tsit5"]),
    ("icl_flow", "d = 128", ["--d", "128"], ["--d", "128", "--impl", "scipy_lsoda_reduced,jax_rk4,jax_tsit5"]),
    ("icl_flow", "d = 256", ["--d", "256"], ["--d", "256", "--impl", "scipy_lsoda_reduced"]),
    ("icl_mc", "d = 20, N = 40, 100,000 prompts", [], ["--impl", "numpy,numpy_f32_threads,torch_f32,jax_f32"]),
    ("icl_train", "d = 20, N = 40, batch 2048", ["--steps", "50"], ["--steps", "50", "--impl", "numpy_manual,torch_fused,jax_fused"]),
    ("agg_mc", "n = 1000, d = 500, 10 replicates", [], ["--impl", "numpy_woodbury,numpy_chol"]),
    ("collapse_gd", "d = 64, 10 classes of 100, 3 layers", [], ["--impl", "numpy_reduced,scipy_lbfgs,scipy_projected"]),
    ("dln_flow", "one network, width 128, depth 4", ["--mode", "big", "--steps", "300"],
     ["--mode", "big", "--steps", "300", "--impl", "numpy,jax,jax_manual,torch_manual"]),
    ("dln_flow", "1000 networks, width 16, depth 3", ["--mode", "batch", "--steps", "50"],
     ["--mode", "batch", "--steps", "50", "--impl", "numpy,jax,jax_manual,torch_manual"]),
    ("scalar_theory", "1,000,000 equations, 8 atoms", [], ["--impl", "numpy_chunk,jax,jax_chunk,numba"]),
]
# name, what varies, argument, values, further arguments (or a function of the value), implementation, predicted exponent
FITS = [
    ("icl_flow", "d", "--d", [32, 64, 128, 256], [], "solvable", "steps grow like the ratio of the rates (d^1.5 to d^2), a step like d"),
    ("icl_mc", "d", "--d", [20, 40, 80, 160], ["--B", "20000"], "solvable", "1: 2 d normals a prompt, once they outweigh the rest"),
    ("icl_mc", "N", "--N", [20, 40, 80, 160], ["--B", "20000"], "solvable", "0: the statistics do not depend on N"),
    ("icl_mc", "N", "--N", [20, 40, 80, 160], ["--B", "5000"], "solvable_raw", "1"),
    ("icl_mc", "replicas", "--B", [12500, 25000, 50000, 100000], [], "solvable", "1"),
    ("agg_mc", "replicas", "--reps-mc", [5, 10, 20, 40], ["--reduced-only"], "solvable", "1"),
    ("agg_mc", "d, n = 2 d", "--d", [128, 256, 384, 512], lambda d: ["--n", str(2 * d), "--reduced-only"], "solvable", "2 (matrix times vector) to 3 (triangular solves)"),
    ("scalar_theory", "equations", "--n", [125000, 250000, 500000, 1000000], [], "solvable", "1"),
    ("dln_flow", "width", "--width", [8, 16, 24, 32], ["--mode", "batch", "--B", "400", "--steps", "20"], "solvable", "3"),
    ("dln_flow", "width", "--width", [64, 96, 128, 256], ["--mode", "big", "--steps", "20"], "solvable", "3"),
]
# Cost in the number of threads: wall seconds on one and two; predicted exponent -1.
THREADED = [
    ("icl_mc", []),
    ("agg_mc", ["--reduced-only"]),
    ("dln_flow", ["--mode", "batch", "--steps", "50"]),
    ("scalar_theory", []),
]
THREAD_ROUNDS = 4
# 97.5% quantiles of Student's t by degrees of freedom.
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571}


def lines(command, env):
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    rows = [json.loads(x) for x in p.stdout.splitlines() if x.startswith("{")]
    if p.returncode and not rows:
        print(p.stderr[-2000:], file=sys.stderr)
    return rows


def has(python, module):
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


def keep(best, row):
    """The least time of an implementation over the rounds."""
    old = best.get(row["impl"])
    if row.get("result") is None or row["seconds_min"] != row["seconds_min"]:
        return
    if old is None or row["seconds"] < old["seconds"]:
        best[row["impl"]] = row


def fit(xs, ys):
    """Slope of ln y against ln x, and half its 95% interval."""
    x, y = [math.log(v) for v in xs], [math.log(v) for v in ys]
    n, mx, my = len(x), sum(x) / len(x), sum(y) / len(y)
    sxx = sum((a - mx) ** 2 for a in x)
    slope = sum((a - mx) * (b - my) for a, b in zip(x, y)) / sxx
    rest = sum((b - my - slope * (a - mx)) ** 2 for a, b in zip(x, y))
    return slope, STUDENT[n - 2] * math.sqrt(rest / (n - 2) / sxx)


def mean_interval(xs):
    """Mean and half its 95% interval."""
    n, m = len(xs), sum(xs) / len(xs)
    return m, STUDENT[n - 1] * math.sqrt(sum((x - m) ** 2 for x in xs) / (n - 1) / n)


def short(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--venv", default="/tmp/solvable-peers")
    ap.add_argument("--torch", action="store_true")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--rounds", type=int, default=2)
    ap.add_argument("--only", default="")
    ap.add_argument("--no-page", action="store_true")
    ap.add_argument("--no-fits", action="store_true")
    ap.add_argument("--json", default="")
    a = ap.parse_args()
    python = os.path.join(a.venv, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", a.venv], check=True)
        wanted = PACKAGES + (["torch"] if a.torch else [])
        subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True)
    subprocess.run(["cargo", "build", "--release", "--locked", "-p", "solvable-benches"], cwd=ROOT, check=True)
    ours = os.path.join(ROOT, "target", "release", "workloads")
    env = dict(os.environ, PEERS_THREADS=str(a.threads))
    present = {m: has(python, m) for m in ("torch", "jax", "numba", "diffrax")}
    usable = lambda impl: not any(impl.startswith(m) and not there for m, there in present.items()) and not (
        impl in ("jax_tsit5", "jax_kvaerno5") and not present["diffrax"])
    column = "cpu_seconds_min" if a.threads == 1 else "seconds_min"
    only = [x for x in a.only.split(",") if x]

    def us(name, arguments, reps="3", limit="4", threads=a.threads):
        command = [ours, name, "--threads", str(threads), "--reps", reps, "--max-seconds", limit, *arguments]
        rows = lines(command, env)
        for r in rows:
            r["seconds"] = r.get(column, r["seconds_min"])
        return rows

    measured = []
    for name, size, our_arguments, peer_arguments in CASES:
        if only and name not in only:
            continue
        i = peer_arguments.index("--impl")
        impls = [x for x in peer_arguments[i + 1].split(",") if usable(x)]
        arguments = peer_arguments[:i] + ["--impl", ",".join(impls)] + peer_arguments[i + 2:]
        we, they = {}, {}
        for _ in range(a.rounds):
            for r in us(name, our_arguments):
                keep(we, r)
            command = [python, os.path.join(HERE, name + ".py"), "--reps", "3", "--max-seconds", "4", *arguments]
            for r in lines(command, env):
                r["seconds"] = r.get(column, r["seconds_min"])
                keep(they, r)
        best = min((r for r in they.values() if r["impl"] != "scipy_projected"), key=lambda r: r["seconds"])
        measured.append({"name": name, "size": size, "ours": we, "peers": they, "best": best["impl"]})
        first = we["solvable"]
        print(f"{name} ({size}): {short(first['seconds'])}, best peer {best['impl']} {short(best['seconds'])}: "
              f"{best['seconds'] / first['seconds']:.1f}x; results {first['result']:.10g} {best['result']:.10g}", flush=True)
    limits = {r["impl"]: r for r in us("limits", [], "5")}
    for _ in range(a.rounds - 1):
        for r in us("limits", [], "5"):
            if r["result"] > limits[r["impl"]]["result"]:
                limits[r["impl"]] = r
    fits = []
    for name, what, argument, values, further, impl, predicted in [] if a.no_fits else FITS:
        if only and name not in only:
            continue
        times, rates = [], []
        for v in values:
            best = {}
            for _ in range(2):
                more = further(v) if callable(further) else further
                for r in us(name, [argument, str(v), *more], "3", "2"):
                    keep(best, r)
            times.append(best[impl]["seconds"])
            rates.append(best[impl].get("gflops"))
        slope, error = fit(values, times)
        fits.append({"name": name, "impl": impl, "what": what, "values": values, "slope": slope, "error": error, "predicted": predicted, "gflops": rates})
        print(f"{name} {impl}: {what}^{slope:.2f} +- {error:.2f} (predicted: {predicted})", flush=True)
    threads = []
    for name, arguments in [] if a.no_fits or (os.cpu_count() or 1) < 2 else THREADED:
        if only and name not in only:
            continue
        exponents = []
        for _ in range(THREAD_ROUNDS):
            wall = [us(name, arguments, "5", "1.5", t)[0]["seconds_min"] for t in (1, 2)]
            exponents.append(math.log2(wall[1] / wall[0]))
        slope, error = mean_interval(exponents)
        threads.append({"name": name, "slope": slope, "error": error})
        print(f"{name}: threads^{slope:.2f} +- {error:.2f} (predicted: -1)", flush=True)
    versions = subprocess.run([python, "-c", "import importlib.metadata as m\nfor p in ('numpy','scipy','numba','jax','diffrax','torch'):\n"
                               "    try: print(p, m.version(p))\n    except Exception: pass"], capture_output=True, text=True).stdout.split("\n")
    result = {"threads": a.threads, "rounds": a.rounds, "measured": measured, "limits": limits, "fits": fits, "threaded": threads,
              "versions": [v for v in versions if v], "machine": machine()}
    if a.json:
        with open(a.json, "w") as f:
            json.dump(result, f, indent=1)
    if not a.no_page:
        with open(os.path.join(ROOT, "docs", "src", "benchmarks.md"), "w") as f:
            f.write(page(result))


def machine():
    try:
        for l in open("/proc/cpuinfo"):
            if l.startswith("model name"):
                return l.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


NOTES = {
    "icl_flow": "Exact reduction to d + 1 unknowns in the time of the slow variable, power series of order 20 in a Moebius variable, local error 1e-14 (the peers: 1e-10 or a step near the limit of stability); set-up included.",
    "icl_mc": "The prompt's sufficient statistics are drawn, exactly in law: 2 d normals and a 2 x 2 Wishart matrix for N d normals. "
              "`solvable_raw` draws every example.",
    "icl_train": "As icl_mc, with the two columns of the sample covariance that the gradient needs.",
    "agg_mc": "Bartlett factors of the within-bag scatter and of the bag means, one Krylov space for 20 shifts. `solvable_raw` starts from the "
              "rows and certifies every decomposition a posteriori, which costs it the comparison.",
    "collapse_gd": "Features eliminated exactly (a ridge regression given the layers): L-BFGS over the layers alone, from the given layers, with 2 pairs of memory like SciPy's (its best). "
                   "`solvable_features` is the same method over layers and features, as `scipy_lbfgs`; `solvable_gd` is plain gradient descent, step for step.",
    "dln_flow": "Batch: as many networks side by side as a register holds, sums in registers, residual and step fused into the products. Big: faer's products into memory that is there already.",
    "scalar_theory": "Steps that match value, slope and curvature (three a root), four atoms a division, thirty-two equations abreast.",
}


def page(r):
    t = ["# Benchmarks", "",
         "Against the best of several strong Python implementations of the same workload. Written by one command:", "",
         "    python3 benches/peers/compare.py --venv DIR", "",
         "`cargo bench -p solvable-benches` times each workload alone; `cargo run --release -p solvable-benches --bin workloads -- NAME` prints one JSON line an implementation.", "",
         f"Machine: {r['machine']}, {r['threads']} thread{'s' if r['threads'] > 1 else ''}; other programs ran on it, so the two sides ran by turns "
         f"(rounds: {r['rounds']}, of three runs each), and the table has the least {'processor' if r['threads'] == 1 else 'wall'} seconds of a run; ours are counted by the system in steps of some milliseconds, so "
         f"the last digit or two of short runs mean little. Results do not depend on the number of threads. Peers: {', '.join(r['versions'])}.", "",
         "| workload | size | ours | best peer | | ratio | result, ours | result, peer |", "|---|---|---|---|---|---|---|---|"]
    for m in r["measured"]:
        w, p = m["ours"]["solvable"], m["peers"][m["best"]]
        per = " a step" if w.get("seconds_are") else ""
        key = "loss_at_t_ref" if m["name"] == "icl_flow" else "result"
        t.append(f"| {m['name']} | {m['size']} | {short(w['seconds'])}{per} | {short(p['seconds'])}{per} | {m['best']} | "
                 f"**{p['seconds'] / w['seconds']:.1f}** | {w[key]:.10g} | {p[key]:.10g} |")
    t += ["", "For icl_flow the compared number is the loss at t = 10. icl_mc and icl_train are statistical; their z-scores against exact values are printed by the runs.", "",
          "## How", ""]
    for name, note in NOTES.items():
        t.append(f"- **{name}**: {note}{like_for_like(name, r)}")
    t += ["", "## All implementations", "", "| workload | size | implementation | seconds | result |", "|---|---|---|---|---|"]
    for m in r["measured"]:
        for side in ("ours", "peers"):
            for impl, row in sorted(m[side].items(), key=lambda x: x[1]["seconds"]):
                t.append(f"| {m['name']} | {m['size']} | {impl} | {short(row['seconds'])} | {row['result']:.8g} |")
    t += ["", "## Limits of the machine", "", "| what | measured | unit |", "|---|---|---|"]
    names = {"gemm": "matrix product, 1024 x 1024", "separate": "multiplications and additions in registers, never fused", "stream_add": "memory, z = x + y", "normals": "normal numbers (f64)", "random_bytes": "random bits (ChaCha, 12 rounds)"}
    for impl, row in r["limits"].items():
        t.append(f"| {names.get(impl, impl)} | {row['result']:.3g} | {row['unit']} |")
    t += [""]
    for m in r["measured"]:
        w = m["ours"]["solvable"]
        if "products_alone" in w:
            t.append(f"- {m['name']}, {m['size']}: a step takes {short(w['seconds'])}, its matrix products alone {short(w['products_alone'])}: "
                     f"{w['seconds'] / w['products_alone']:.2f} times.")
        if "from_rows_gflop" in w:
            rate = r["limits"]["gemm"]["result"]
            t.append(f"- {m['name']}, {m['size']}: Gram matrix, factor, solutions and products from the rows are {w['from_rows_gflop']:.2g} GFLOP: "
                     f"{short(w['from_rows_gflop'] / rate)} at the rate of large products, whatever the program; ours takes {short(w['seconds'])} because it never forms them.")
        if "gflops" in w:
            t.append(f"- {m['name']}, {m['size']}: {w['gflops']:.3g} GFLOP/s, {100 * w['gflops'] / r['limits']['separate']['result']:.0f}% of what separate "
                     f"multiplications and additions reach in registers (they are never fused, so that every instruction set gives the same bits), {100 * w['gflops'] / r['limits']['gemm']['result']:.0f}% "
                     f"of large fused products. At {r['limits']['separate']['result']:.3g} GFLOP/s the step would take {short(w['seconds'] * w['gflops'] / r['limits']['separate']['result'])}: "
                     f"{p_limit(m, r):.1f} times the best peer is the limit.{by_width(r)}")
    t += ["", "## Growth of the cost", "", "Slope of log seconds against log size, with its 95% interval; threads: wall seconds on two against one.", "",
          "| workload | implementation | in | measured exponent | predicted |", "|---|---|---|---|---|"]
    for f in r["fits"]:
        t.append(f"| {f['name']} | {f['impl']} | {f['what']} ({f['values'][0]} to {f['values'][-1]}) | {f['slope']:.2f} ± {f['error']:.2f} | {f['predicted']} |")
    for f in r["threaded"]:
        t.append(f"| {f['name']} | solvable | threads (1 to 2) | {f['slope']:.2f} ± {f['error']:.2f} | -1 |")
    t += [""]
    worst = sorted(r["measured"], key=lambda m: m["peers"][m["best"]]["seconds"] / m["ours"]["solvable"]["seconds"])[:2]
    t += ["## Where we are least ahead", ""]
    for m in worst:
        ratio = m["peers"][m["best"]]["seconds"] / m["ours"]["solvable"]["seconds"]
        t.append(f"- **{m['name']}, {m['size']}: {ratio:.1f} times.** {WHY.get((m['name'], m['size']), '')}")
    return "\n".join(t) + "\n"


def like_for_like(name, r):
    """collapse_gd: what the method is worth apart from the elimination, and the elimination apart from us."""
    for m in r["measured"]:
        if name == "collapse_gd" == m["name"]:
            ours, peers = m["ours"], m["peers"]
            return (f" Like for like: over layers and features {short(ours['solvable_features']['seconds'])} of ours against {short(peers['scipy_lbfgs']['seconds'])}, "
                    f"{peers['scipy_lbfgs']['seconds'] / ours['solvable_features']['seconds']:.0f} times; SciPy handed our elimination (`scipy_projected`, not counted as a peer above) takes "
                    f"{short(peers['scipy_projected']['seconds'])}, {peers['scipy_projected']['seconds'] / ours['solvable']['seconds']:.1f} times ours.")
    return ""


def p_limit(m, r):
    """Ratio to the best peer if our floating-point operations ran at the rate of operations in registers."""
    w = m["ours"]["solvable"]
    return m["peers"][m["best"]]["seconds"] / (w["seconds"] * w["gflops"] / r["limits"]["separate"]["result"])


def by_width(r):
    """The rate of batches by width: whether the caches limit it (it would fall) or the ends of the tiles (it rises)."""
    for f in r["fits"]:
        if f["name"] == "dln_flow" and all(f["gflops"]):
            rates = ", ".join(f"{g:.3g} at {v}" for v, g in zip(f["values"], f["gflops"]))
            kib = ", ".join(f"{8 * 8 * 7 * v * v // 1024} KiB" for v in f["values"])
            return (f" By width: {rates} GFLOP/s, while the matrices of eight networks take {kib}. A rate that rises with the width is not limited by the caches, "
                    "but by the ends of the tiles (4 x 4 entries, a network a lane), which long inner loops dilute.")
    return ""


WHY = {
    ("dln_flow", "one network, width 128, depth 4"): "All sides spend their time in the same matrix products; what can be gained is the rest of the step.",
    ("dln_flow", "1000 networks, width 16, depth 3"): "The peers are bound by the same floating-point operations; the limit above says what is left.",
    ("scalar_theory", "1,000,000 equations, 8 atoms"): "Divisions and square roots bound both sides; we do a seventh of them.",
    ("icl_flow", "d = 8"): "At d = 8 there are 43 steps of half a microsecond: a step of the series is a chain of dependent operations, too short to fill the vector units.",
}

main()
