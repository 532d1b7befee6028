// Matrices in memory that belongs to others.
#ifndef S2S_MATRIX_VIEW_H_
#define S2S_MATRIX_VIEW_H_

#include <cstdint>

namespace s2s {

// A matrix with contiguous rows that start `stride` elements apart.
template <typename Element>
struct MatrixView {
  Element* data;
  int64_t stride;

  Element* operator[](int64_t row) const { return data + row * stride; }
};

// A contiguous tensor [batch, rows, columns].
template <typename Element>
struct BatchView {
  Element* data;
  int64_t rows;
  int64_t columns;

  MatrixView<Element> operator[](int64_t index) const {
    return {data + index * rows * columns, columns};
  }
};

// A matrix with any strides, such as the transpose of one in row-major order.
template <typename Element>
struct StridedView {
  const Element* data;
  int64_t row_stride;
  int64_t column_stride;

  const Element* At(int64_t row, int64_t column) const {
    return data + row * row_stride + column * column_stride;
  }
  // The submatrix without the first rows and columns.
  StridedView From(int64_t row, int64_t column) const {
    return {At(row, column), row_stride, column_stride};
  }
};

using StridedMatrix = StridedView<float>;

// A matrix [rows, columns] in row-major order.
template <typename Element>
inline StridedView<Element> RowMajor(const Element* data, int64_t columns) {
  return {data, columns, 1};
}

// The transpose of a matrix [rows, columns] in row-major order.
template <typename Element>
inline StridedView<Element> TransposeOf(const Element* data, int64_t columns) {
  return {data, 1, columns};
}

}  // namespace s2s

#endif  // S2S_MATRIX_VIEW_H_
