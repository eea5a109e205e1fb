#!/usr/bin/env python3
"""Exports scikit-learn's digits and diabetes tables to CSV: `pip install scikit-learn; python3 data/export.py`.
Floats are written in shortest round-trip form; the files are byte-identical across runs."""
import csv
import pathlib

from sklearn.datasets import load_diabetes, load_digits

HERE = pathlib.Path(__file__).parent


def write(name, header, rows):
    with open(HERE / name, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)


digits = load_digits()
names = [f"pixel_{i // 8}_{i % 8}" for i in range(64)]
write("digits.csv", names, [[int(v) for v in row] for row in digits.data])
write("digits_labels.csv", ["digit"], [[int(v)] for v in digits.target])

diabetes = load_diabetes(scaled=False)
write("diabetes.csv", list(diabetes.feature_names), [[repr(float(v)) for v in row] for row in diabetes.data])
write("diabetes_response.csv", ["progression"], [[repr(float(v))] for v in diabetes.target])
