// polygamma(n, x) = (-1)^(n+1) n! zeta(n + 1, x), with Hurwitz's zeta function zeta(s, q) = sum over k >= 0
// of (q + k)^-s (NIST Digital Library of Mathematical Functions, 5.15 and 25.11).
#include "kernels/polygamma.h"

#include <cmath>

#include "kernels/parallel.h"

namespace penlight::kernels {

namespace {

// For q > 0 by Euler and Maclaurin (DLMF 25.11.28): the first terms one by one, the rest as an integral with
// corrections from Bernoulli's numbers.
double positive_zeta(double s, double q) {
  // B_2j / (2j)!
  static const double bernoulli[] = {1. / 12,          -1. / 720,
                                     1. / 30240,       -1. / 1209600,
                                     1. / 47900160,    -691. / 1307674368000,
                                     1. / 74724249600, -3617. / 10670622842880000};
  double sum = 0, a = q;
  while (a < 10 + s / 2) {  // past it the corrections shrink fast
    const double term = std::pow(a, -s);
    sum += term;
    if (!(term > sum * 1e-18)) return sum;  // the terms shrink faster than the rest can matter
    a += 1;
  }
  const double last = std::pow(a, -s);
  sum += last * a / (s - 1) + last / 2;
  double factor = last * s / a;
  for (int j = 0; j < 8; ++j) {
    const double term = bernoulli[j] * factor;
    sum += term;
    if (std::abs(term) < std::abs(sum) * 1e-18) break;
    factor *= (s + 2 * j + 1) * (s + 2 * j + 2) / (a * a);
  }
  return sum;
}

double zeta(double s, double q) {
  if (q > 0) return positive_zeta(s, q);
  if (q == std::floor(q)) return INFINITY;  // a term is 1 / 0
  // The terms below zero are those of another zeta function, mirrored: no loop over them.
  const double rest = q - std::floor(q), sign = std::fmod(s, 2) == 0 ? 1 : -1;
  return positive_zeta(s, rest) + sign * (positive_zeta(s, 1 - rest) - positive_zeta(s, 1 - q));
}

}  // namespace

void polygamma(int64_t order, const double* x, double* y, int64_t count) {
  const auto n = static_cast<double>(order);
  const double factorial = std::exp(std::lgamma(n + 1)) * (order % 2 ? 1 : -1);
  parallel::parallel_for(count, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = std::isnan(x[i]) ? x[i] : factorial * zeta(n + 1, x[i]);
  });
}

}  // namespace penlight::kernels
