// Products with a float32 matrix that was laid out for them, for processors without AVX-512, for
// which oneDNN has no such layout: it would rearrange the matrix in every product.
#ifndef S2S_FLOAT_PRODUCT_H_
#define S2S_FLOAT_PRODUCT_H_

#include <cstddef>
#include <cstdint>

namespace s2s {

// A matrix in memory: element (row, column) is data[row * row_stride + column * column_stride].
struct Strided {
  const float* data;
  int64_t row_stride, column_stride;
};

// Rows of the left factor that are multiplied together: a multiple of it is best.
constexpr int64_t kTileRows = 6;

// Floats that a packed matrix [inner, columns] takes. One of many columns may be packed in slices
// of a multiple of 16.
size_t PackedFloats(int64_t inner, int64_t columns);

// Lays a matrix [inner, columns] out.
void PackFloats(const Strided& matrix, int64_t inner, int64_t columns, float* packed);

// result [rows, columns], row by row, = left [rows, inner] times the packed matrix.
void MultiplyFloats(const Strided& left, const float* packed, int64_t rows, int64_t inner,
                    int64_t columns, float* result);

}  // namespace s2s

#endif  // S2S_FLOAT_PRODUCT_H_
