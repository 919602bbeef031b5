// Draws from distributions, in the recipes of PyTorch's CPU generator, so that a seed gives the same numbers
// there and here. Every function fills n contiguous values, overwriting them, and draws from g in index order
// on the calling thread. Results narrower than a function's type (halves, small integers, bools) are its
// results converted: a double rounded to nearest, an int64 cut to its low bits.
//
// Exact means bit for bit. What calls the C library (log, sin, ...) is exact where both sides run on the same
// one.
#pragma once

#include <cstdint>

#include "kernels/generator.h"
#include "kernels/isa.h"

namespace penlight::kernels {

namespace random {

// Uniform on [from, to): 24 bits of a draw for floats, 53 bits of two for doubles; what rounds to `to`
// becomes `from`. A half type's uniforms are the floats rounded, and then that replacement again. Exact.
void uniform(Generator& g, float* out, int64_t n, float from, float to);
void uniform(Generator& g, double* out, int64_t n, double from, double to);

// Normals one by one: pairs by G. Box and M. Muller's method in double, the second of a pair kept in g for
// the next call. For fewer than 16 values, and for memory that is not contiguous.
void normal_pairs(Generator& g, double* out, int64_t n, double mean, double stddev);

// Normals by blocks of 16 for n >= 16: uniforms u fill a block, then values i and i + 8 (i < 8) are the
// Box-Muller pair of u[i] and u[i + 8]. A remainder redoes the last 16 places from 16 fresh draws. Exact for
// float on processors with AVX2, where PyTorch uses the same polynomials.
void normal_blocks(Generator& g, float* out, int64_t n, float mean, float stddev);
void normal_blocks(Generator& g, double* out, int64_t n, double mean, double stddev);
// The blocks of the half types, before rounding: as for float, but no numbers are drawn for the remainder
// before the 16 that redo the end.
void normal_blocks_half(Generator& g, float* out, int64_t n, float mean, float stddev);

// Integers base + (draw mod range); a range of 2^28 or more takes a draw of 64 bits, range 0 stands for 2^64.
void integers(Generator& g, int64_t* out, int64_t n, int64_t base, uint64_t range);
// draw mod range, with the draw's width given: the integers of random_() without bounds.
void integers_mod(Generator& g, int64_t* out, int64_t n, uint64_t range, bool wide);

// A permutation of 0 .. n-1 by R. Fisher and F. Yates' shuffle.
void permutation(Generator& g, int64_t* out, int64_t n);

// 1 with probability p, by uniform doubles below p. The second and third form take a p for each element, with
// 24-bit and 53-bit uniforms.
void bernoulli(Generator& g, uint8_t* out, int64_t n, double p);
void bernoulli(Generator& g, uint8_t* out, int64_t n, const float* p);
void bernoulli(Generator& g, uint8_t* out, int64_t n, const double* p);

void exponential(Generator& g, double* out, int64_t n, double lambda);
void geometric(Generator& g, double* out, int64_t n, double p);  // trials up to the first success: 1, 2, ...
void cauchy(Generator& g, double* out, int64_t n, double median, double sigma);
void log_normal(Generator& g, double* out, int64_t n, double mean, double stddev);

// n indices into one row of weights, with replacement, by search in cumulative (size values, non-decreasing,
// the last of them 1).
void choices(Generator& g, int64_t* out, int64_t n, const double* cumulative, int64_t size);

}  // namespace random

struct RandomKernels {
  // raw draws to floats on [from, to)
  void (*uniform)(const uint32_t* raw, float* out, int64_t n, float from, float to);
  // blocks of 16 uniforms in place to normals
  void (*box_muller)(float* data, int64_t blocks, float mean, float stddev);
};
PENLIGHT_DECLARE_KERNELS(RandomKernels, random_tables)

}  // namespace penlight::kernels
