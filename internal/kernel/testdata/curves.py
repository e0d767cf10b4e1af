"""Prints the polynomials of curve.go, by Remez's exchange.

Needs mpmath (Debian: python3-mpmath): python3 curves.py
"""
from mpmath import atanh, cos, erfc, exp, expm1, linspace, log, lu_solve, matrix, mp, mpf, pi, sqrt

mp.dps = 30


def remez(f, weight, powers, low, high):
    """The polynomial of these powers whose error times the weight is smallest."""
    n = len(powers) + 1
    points = [(low + high) / 2 - (high - low) / 2 * cos(pi * k / (n - 1)) for k in range(n)]
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * mpf(k) / 1500) for k in range(1501)]
    values, weights = [f(x) for x in grid], [weight(x) for x in grid]
    for _ in range(30):
        rows = [[x**p for p in powers] + [(-1) ** k / weight(x)] for k, x in enumerate(points)]
        solved = lu_solve(matrix(rows), matrix([f(x) for x in points]))
        c, size = solved[: n - 1], abs(solved[n - 1])
        errors = [w * (sum(a * x**p for a, p in zip(c, powers)) - v) for x, v, w in zip(grid, values, weights)]
        points, best = [], []  # one extreme of each run of a sign
        for x, e in zip(grid, errors):
            if best and (e > 0) == (best[-1] > 0):
                if abs(e) > abs(best[-1]):
                    points[-1], best[-1] = x, e
            else:
                points.append(x)
                best.append(e)
        while len(points) > n:
            worst = 0 if abs(best[0]) < abs(best[-1]) else -1
            del points[worst], best[worst]
        if len(points) < n:
            raise ValueError("the errors do not alternate")
        largest = max(abs(e) for e in errors)
        if largest < size * 1.001:
            break
    return largest, c


def show(name, found):
    print(name, "error %.1e:" % found[0], ", ".join(mp.nstr(c, 10) for c in found[1]))


def square(z):  # (atanh(s)/s - 1) / s^2, with z = s^2
    s = sqrt(z)
    return (atanh(s) / s - 1) / z if z > mpf(10) ** -8 else mpf(1) / 3 + z / 5


def exponential(r):
    return (expm1(r) - r) / r**2 if abs(r) > mpf(10) ** -8 else mpf(1) / 2 + r / 6


half = log(2) / 2 * mpf("1.0001")
for degree in (3, 4, 5):
    show("exp %d" % degree, remez(exponential, lambda r: max(r * r, mpf(10) ** -4), range(degree + 1), -half, half))
for degree in (4, 5):
    show("log1p %d" % degree, remez(square, lambda z: z + mpf("0.001"), range(degree + 1), mpf(10) ** -9, mpf(1) / 9))


def tail(z):
    return erfc(z / sqrt(2)) / 2 * exp(z * z / 2)


# exp(z^2/2) times the normal distribution's share below -z, as a polynomial of
# t = 1/(1 + p*z). Errors may grow with z, where the share is small.
p = mpf(0.3)
behind = lambda t: (1 / t - 1) / p
show("tail 8", remez(lambda t: tail(behind(t)), lambda t: exp(-behind(t) ** 2 / 8) / tail(behind(t)), range(1, 9), 1 / (1 + p * mpf("13.3")), mpf(1)))
