// Products of small matrices, such as the queries and keys of one sentence, on the calling thread
// and without packing, which pays off only for larger ones.
#ifndef S2S_SMALL_MATMUL_H_
#define S2S_SMALL_MATMUL_H_

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "matrix_view.h"

namespace s2s {

#ifdef __AVX512F__
constexpr int kRowLanes = 16;
// A block of kBlock * kBlock sums takes 16 of 32 registers.
constexpr int kBlock = 4;
#else
constexpr int kRowLanes = 8;
// 9 of 16 registers; the factors need four more.
constexpr int kBlock = 3;
#endif

typedef float Lanes __attribute__((vector_size(sizeof(float) * kRowLanes)));

inline Lanes Load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

inline void Store(const Lanes& lanes, float* to) { std::memcpy(to, &lanes, sizeof(lanes)); }

using Rows = MatrixView<const float>;

template <int kLeft, int kRight>
inline void DotProductBlock(const Rows& left, const Rows& right, int64_t size,
                            const MatrixView<float>& result) {
  Lanes sums[kLeft][kRight] = {};
  int64_t k = 0;
  for (; k + kRowLanes <= size; k += kRowLanes) {
    Lanes left_lanes[kLeft];
    for (int i = 0; i < kLeft; ++i) left_lanes[i] = Load(left[i] + k);
    for (int j = 0; j < kRight; ++j) {
      const Lanes right_lanes = Load(right[j] + k);
      for (int i = 0; i < kLeft; ++i) sums[i][j] += left_lanes[i] * right_lanes;
    }
  }
  for (int i = 0; i < kLeft; ++i) {
    for (int j = 0; j < kRight; ++j) {
      float sum = 0;
      for (int lane = 0; lane < kRowLanes; ++lane) sum += sums[i][j][lane];
      for (int64_t rest = k; rest < size; ++rest) sum += left[i][rest] * right[j][rest];
      result[i][j] = sum;
    }
  }
}

// result = left rightᵀ: [left_rows, size] times the transpose of [right_rows, size]. The order of
// the additions in a dot product does not depend on the number of rows.
inline void DotProducts(const Rows& left, int64_t left_rows, const Rows& right, int64_t right_rows,
                        int64_t size, const MatrixView<float>& result) {
  for (int64_t i = 0; i < left_rows;) {
    const bool is_tall = left_rows - i >= kBlock;
    for (int64_t j = 0; j < right_rows;) {
      const bool is_wide = right_rows - j >= kBlock;
      const auto block =
          is_tall ? (is_wide ? DotProductBlock<kBlock, kBlock> : DotProductBlock<kBlock, 1>)
                  : (is_wide ? DotProductBlock<1, kBlock> : DotProductBlock<1, 1>);
      block({left[i], left.stride}, {right[j], right.stride}, size, {result[i] + j, result.stride});
      j += is_wide ? kBlock : 1;
    }
    i += is_tall ? kBlock : 1;
  }
}

template <int kResults, int kVectors>
inline void WeightedSumColumns(const StridedMatrix& weights, const Rows& rows, int64_t count,
                               int64_t k, const MatrixView<float>& result) {
  Lanes sums[kResults][kVectors] = {};
  for (int64_t j = 0; j < count; ++j) {
    const float* row = rows[j] + k;
    Lanes row_lanes[kVectors];
    for (int v = 0; v < kVectors; ++v) row_lanes[v] = Load(row + v * kRowLanes);
    for (int i = 0; i < kResults; ++i) {
      const float weight = *weights.At(i, j);
      for (int v = 0; v < kVectors; ++v) sums[i][v] += weight * row_lanes[v];
    }
  }
  for (int i = 0; i < kResults; ++i) {
    float* to = result[i] + k;
    for (int v = 0; v < kVectors; ++v) Store(sums[i][v], to + v * kRowLanes);
  }
}

template <int kResults>
inline void WeightedSumBlock(const StridedMatrix& weights, const Rows& rows, int64_t count,
                             int64_t size, const MatrixView<float>& result) {
  int64_t k = 0;
  for (; k + kBlock * kRowLanes <= size; k += kBlock * kRowLanes)
    WeightedSumColumns<kResults, kBlock>(weights, rows, count, k, result);
  if (k + 2 * kRowLanes <= size) {
    WeightedSumColumns<kResults, 2>(weights, rows, count, k, result);
    k += 2 * kRowLanes;
  }
  for (; k + kRowLanes <= size; k += kRowLanes)
    WeightedSumColumns<kResults, 1>(weights, rows, count, k, result);
  for (int i = 0; i < kResults && k < size; ++i) {
    float* to = result[i];
    std::fill(to + k, to + size, 0.0f);
    for (int64_t j = 0; j < count; ++j) {
      const float weight = *weights.At(i, j);
      const float* row = rows[j];
#pragma omp simd
      for (int64_t rest = k; rest < size; ++rest) to[rest] += weight * row[rest];
    }
  }
}

// result = weights rows: [results, count] times [count, size]. The order of the additions in a sum
// does not depend on the number of results.
inline void WeightedSums(const StridedMatrix& weights, const Rows& rows, int64_t count,
                         int64_t size, const MatrixView<float>& result, int64_t results) {
  for (int64_t i = 0; i < results;) {
    const bool is_tall = results - i >= kBlock;
    const auto block = is_tall ? WeightedSumBlock<kBlock> : WeightedSumBlock<1>;
    block(weights.From(i, 0), rows, count, size, {result[i], result.stride});
    i += is_tall ? kBlock : 1;
  }
}

}  // namespace s2s

#endif  // S2S_SMALL_MATMUL_H_
