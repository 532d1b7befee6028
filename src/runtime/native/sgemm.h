// float32 matrix products (SGEMM) with a packed right factor, for processors without AVX-512:
// oneDNN has no packed layout for them and would rearrange the right factor in every product.
#ifndef S2S_SGEMM_H_
#define S2S_SGEMM_H_

#include <cstddef>
#include <cstdint>

#include "matrix_view.h"

namespace s2s {

// Rows of the left factor in one tile; products with a multiple of it are fastest.
#ifdef __AVX512F__
constexpr int64_t kTileRows = 12;
#else
constexpr int64_t kTileRows = 6;
#endif

// Number of floats in a packed matrix [inner, columns].
size_t PackedFloats(int64_t inner, int64_t columns);

// Where a column, a multiple of 32, starts in a packed matrix of `inner` rows: blocks of columns
// can be packed separately.
inline float* PackedColumn(float* packed, int64_t inner, int64_t column) {
  return packed + column * inner;
}

// Packs a matrix [inner, columns] of float or Bfloat16.
template <typename Element>
void PackFloats(const StridedView<Element>& matrix, int64_t inner, int64_t columns, float* packed);

// result = left packed, where left is [rows, inner], the packed matrix [inner, columns] and the
// result [rows, columns] in row-major order.
void Sgemm(const StridedMatrix& left, const float* packed, int64_t rows, int64_t inner,
           int64_t columns, float* result);

}  // namespace s2s

#endif  // S2S_SGEMM_H_
