// The points behind fast short convolutions, and the polynomials they give; compiled into constants.
//
// A product of polynomials is found by evaluating both at n points, multiplying value by value, and going
// back to coefficients (Toom 1963, Cook 1966): for m and r coefficients n = m + r - 1 products instead of m *
// r. Read backwards (the transpose of a bilinear algorithm is one again), the same n products give m outputs
// of a filter with r taps over n inputs, Winograd's F(m, r) (S. Winograd, "Arithmetic Complexity of
// Computations", 1980):
//
//   y = Aᵗ [ (G w) ⊙ (Bᵗ x) ]
//
// With points p_i, A has rows (1, p_i, p_i², ...) of m powers, G rows of r powers divided by the product of
// all p_i - p_j, and Bᵗ the coefficients of the product of all (x - p_j), j ≠ i: Lagrange's polynomials. The
// point "infinity" picks the leading coefficient. Bᵗ depends on n alone.
//
// Which points: those that lose the fewest digits in float32. Powers of large or crowded points differ much
// in size, and what was added to be subtracted later carries its rounding along (B. Barabasz et al., "Error
// analysis and improving the accuracy of Winograd convolution for deep neural networks", 2020). The points
// below are the best found among small fractions, by the root of sum |A|² |G|² |Bᵗ|² over the points, in
// pairs p, -p: pairs halve the arithmetic, since even and odd terms are summed once.
#pragma once

namespace penlight::kernels::toom_cook {

inline constexpr int least_points = 3, most_points = 10, most_pairs = 4;

struct Points {
  int pairs;
  double pair[most_pairs];  // p and -p
  bool zero, infinity;
};

constexpr Points points_of(int n) {
  switch (n) {
    case 3:
      return {1, {1}, true, false};
    case 4:
      return {1, {1}, true, true};
    case 5:
      return {2, {3. / 4, 5. / 2}, true, false};
    case 6:
      return {2, {2. / 3, 3. / 2}, true, true};
    case 7:
      return {3, {1. / 3, 5. / 6, 5. / 3}, false, true};
    case 8:
      return {3, {1. / 2, 1, 2}, true, true};
    case 9:
      return {4, {1. / 3, 2. / 3, 6. / 5, 2}, false, true};
    default:
      return {4, {1. / 2, 5. / 6, 7. / 6, 7. / 3}, true, true};
  }
}

// Points in order: zero, the pairs (p before -p), infinity.

// Coefficients of x^shift * the product of (x² - q²) over all pairs but `skipped`.
struct Polynomial {
  double at[most_points + 2] = {};
};

constexpr Polynomial product_of_pairs(const Points& p, int skipped, int shift) {
  Polynomial c;
  c.at[0] = 1;
  for (int k = 0; k < p.pairs; ++k) {
    if (k == skipped) continue;
    Polynomial next;
    for (int i = 0; i + 2 < most_points + 2; ++i) {
      next.at[i + 2] += c.at[i];
      next.at[i] -= c.at[i] * p.pair[k] * p.pair[k];
    }
    c = next;
  }
  Polynomial moved;
  for (int i = 0; i + shift < most_points + 2; ++i) moved.at[i + shift] = c.at[i];
  return moved;
}

constexpr double power(double base, int exponent) {
  double result = 1;
  for (int i = 0; i < exponent; ++i) result *= base;
  return result;
}

// What row i of G is multiplied by: 1 / the product of all p_i - p_j.
constexpr double point_factor(int n, int i) {
  const Points p = points_of(n);
  double divisor = 1;
  if (p.zero && i == 0) {
    for (int k = 0; k < p.pairs; ++k) divisor *= -p.pair[k] * p.pair[k];
    return 1 / divisor;
  }
  if (p.infinity && i == n - 1) return 1;
  const int place = i - (p.zero ? 1 : 0), k = place / 2;
  const double x = place % 2 ? -p.pair[k] : p.pair[k];
  divisor = 2 * x * (p.zero ? x : 1);
  for (int other = 0; other < p.pairs; ++other)
    if (other != k) divisor *= x * x - p.pair[other] * p.pair[other];
  return 1 / divisor;
}

}  // namespace penlight::kernels::toom_cook
