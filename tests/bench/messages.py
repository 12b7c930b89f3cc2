"""The messages of the benchmark: real ones when a folder is given, else generated ones."""
import os
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import mails  # noqa: E402


def prepare(args):
    """Two folders: `count` messages of about 22 KB mean, and all of them."""
    chosen, everything = args.work + "/messages", args.work + "/everything"
    if not args.messages:
        generate(chosen, args.count)
        return chosen, chosen
    paths = sorted(os.path.join(root, name) for root, _, names in os.walk(args.messages)
                   for name in names if name.endswith(".eml"))
    if len(os.listdir(chosen)) != args.count if os.path.isdir(chosen) else True:
        link_all(choose(paths, args.count), chosen)
        link_all(paths, everything)
    return chosen, everything


def generate(folder, count):
    """Sizes spread as mail's are: most are small, a few carry an attachment; 22 KB mean."""
    if os.path.isdir(folder) and len(os.listdir(folder)) == count:
        return
    subprocess.run(["rm", "-rf", folder], check=True)
    os.makedirs(folder)
    for index in range(count):
        dice = random.Random(index)
        text = mails.ordinary(index, min(200_000, int(dice.lognormvariate(8.3, 1.1))))
        if index % 16 == 0:
            text += mails.attachment(index, 150_000)
        pathlib.Path(folder, f"{index:06d}.eml").write_bytes(text)


def choose(paths, count, mean=22000):
    """Takes messages in an even spread, larger or smaller ones next as the mean asks: the same choice
    for the same folder."""
    small = [p for p in paths if os.path.getsize(p) <= mean]
    large = [p for p in paths if os.path.getsize(p) > mean]
    taken, total = [], 0
    steps = {"small": max(1, len(small) // count), "large": max(1, len(large) // count)}
    small, large = iter(small[::steps["small"]]), iter(large[::steps["large"]])
    while len(taken) < count:
        source = large if total < mean * len(taken) else small
        path = next(source, None) or next(small, None) or next(large, None)
        if path is None:
            break
        taken.append(path)
        total += os.path.getsize(path)
    return taken


def link_all(paths, folder):
    subprocess.run(["rm", "-rf", folder], check=True)
    os.makedirs(folder)
    for index, path in enumerate(paths):
        os.symlink(os.path.abspath(path), f"{folder}/{index:06d}.eml")
