// Products of few rows with few rows, such as the queries and keys of one sentence: as they lie in
// memory, on the calling thread. Large matrices are multiplied faster by products that lay one of
// them out first.
#ifndef S2S_ROW_PRODUCTS_H_
#define S2S_ROW_PRODUCTS_H_

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace s2s {

#ifdef __AVX512F__
constexpr int kRowLanes = 16;
// Registers for sums: kBlock * kBlock of 32.
constexpr int kBlock = 4;
#else
constexpr int kRowLanes = 8;
// Likewise of 16, of which three more are at work.
constexpr int kBlock = 3;
#endif

typedef float Lanes __attribute__((vector_size(sizeof(float) * kRowLanes)));

inline Lanes Load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

inline void Store(const Lanes& lanes, float* to) { std::memcpy(to, &lanes, sizeof(lanes)); }

// Rows in memory: row i starts at data + i * stride.
struct Rows {
  const float* data;
  int64_t stride;
  const float* operator[](int64_t row) const { return data + row * stride; }
};

template <int kLeft, int kRight>
inline void DotBlock(const Rows& left, const Rows& right, int64_t size, float* result,
                     int64_t result_stride) {
  Lanes sums[kLeft][kRight] = {};
  int64_t k = 0;
  for (; k + kRowLanes <= size; k += kRowLanes) {
    Lanes of_left[kLeft];
    for (int i = 0; i < kLeft; ++i) of_left[i] = Load(left[i] + k);
    for (int j = 0; j < kRight; ++j) {
      const Lanes of_right = Load(right[j] + k);
      for (int i = 0; i < kLeft; ++i) sums[i][j] += of_left[i] * of_right;
    }
  }
  for (int i = 0; i < kLeft; ++i) {
    for (int j = 0; j < kRight; ++j) {
      float sum = 0;
      for (int lane = 0; lane < kRowLanes; ++lane) sum += sums[i][j][lane];
      for (int64_t rest = k; rest < size; ++rest) sum += left[i][rest] * right[j][rest];
      result[i * result_stride + j] = sum;
    }
  }
}

// result(i, j) = left(i) . right(j), rows of `size`. Every sum is made in the same order, whatever
// stands beside it.
inline void Dots(const Rows& left, int64_t left_rows, const Rows& right, int64_t right_rows,
                 int64_t size, float* result, int64_t result_stride) {
  for (int64_t i = 0; i < left_rows;) {
    const bool full = left_rows - i >= kBlock;
    const Rows from{left[i], left.stride};
    for (int64_t j = 0; j < right_rows;) {
      const bool wide = right_rows - j >= kBlock;
      const Rows with{right[j], right.stride};
      float* to = result + i * result_stride + j;
      const auto block = full ? (wide ? DotBlock<kBlock, kBlock> : DotBlock<kBlock, 1>)
                              : (wide ? DotBlock<1, kBlock> : DotBlock<1, 1>);
      block(from, with, size, to, result_stride);
      j += wide ? kBlock : 1;
    }
    i += full ? kBlock : 1;
  }
}

// Weights of a combination: that of row j in result i.
struct Weights {
  const float* data;
  int64_t result_stride, row_stride;
  float operator()(int64_t result, int64_t row) const {
    return data[result * result_stride + row * row_stride];
  }
};

template <int kResults>
inline void CombineBlock(const Weights& weights, const Rows& rows, int64_t count, int64_t size,
                         float* result, int64_t result_stride) {
  int64_t k = 0;
  for (; k + kBlock * kRowLanes <= size; k += kBlock * kRowLanes) {
    Lanes sums[kResults][kBlock] = {};
    for (int64_t j = 0; j < count; ++j) {
      Lanes row[kBlock];
      for (int v = 0; v < kBlock; ++v) row[v] = Load(rows[j] + k + v * kRowLanes);
      for (int i = 0; i < kResults; ++i) {
        const float weight = weights(i, j);
        for (int v = 0; v < kBlock; ++v) sums[i][v] += weight * row[v];
      }
    }
    for (int i = 0; i < kResults; ++i) {
      for (int v = 0; v < kBlock; ++v)
        Store(sums[i][v], result + i * result_stride + k + v * kRowLanes);
    }
  }
  for (int i = 0; i < kResults; ++i) {
    float* to = result + i * result_stride;
    std::fill(to + k, to + size, 0.0f);
    for (int64_t j = 0; j < count; ++j) {
      const float weight = weights(i, j), *row = rows[j];
#pragma omp simd
      for (int64_t rest = k; rest < size; ++rest) to[rest] += weight * row[rest];
    }
  }
}

// result(i) = the sum over j of weights(i, j) times rows(j), rows of `size`. Every sum is made in
// the same order, whatever stands beside it.
inline void Combine(const Weights& weights, const Rows& rows, int64_t count, int64_t size,
                    float* result, int64_t result_stride, int64_t results) {
  for (int64_t i = 0; i < results;) {
    const bool full = results - i >= kBlock;
    const Weights from{weights.data + i * weights.result_stride, weights.result_stride,
                       weights.row_stride};
    (full ? CombineBlock<kBlock> : CombineBlock<1>)(from, rows, count, size,
                                                    result + i * result_stride, result_stride);
    i += full ? kBlock : 1;
  }
}

}  // namespace s2s

#endif  // S2S_ROW_PRODUCTS_H_
