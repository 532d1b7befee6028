// Products with a packed right factor, for use on many threads at once: by oneDNN, or by sgemm.h
// where oneDNN has no packed layout or is slower.
#ifndef S2S_PACKED_MATRIX_H_
#define S2S_PACKED_MATRIX_H_

#include <cstddef>
#include <cstdint>

#include "dtype.h"
#include "matrix_view.h"
#include "parallel.h"

namespace s2s {

// Whether oneDNN packs right factors and multiplies bfloat16 on this processor: on x64 with
// AVX-512. Elsewhere bfloat16 factors are multiplied in float32, which represents their products
// exactly.
bool UsesOneDnn();

// The right factor [inner, columns] of a product, in the layout that multiplies fastest.
class PackedMatrix {
 public:
  // Factors are rounded to `dtype`; sums are float32. The memory has Size() bytes.
  PackedMatrix(int64_t inner, int64_t columns, Dtype dtype, void* memory)
      : inner_(inner), columns_(columns), dtype_(dtype), packed_(memory) {}

  int64_t Columns() const { return columns_; }

  // Bytes of a packed matrix, a multiple of 64.
  static size_t Size(int64_t inner, int64_t columns, Dtype dtype);

  // Writes the packed matrix into its memory.
  void Pack(const StridedMatrix& matrix);
  // The same for one block of columns, 0 ... Blocks() - 1, so that threads can share the work.
  void PackBlock(const StridedMatrix& matrix, int64_t block);
  void PackBlock(const StridedView<Bfloat16>& matrix, int64_t block);
  int64_t Blocks() const;

  // Rows of the memory that Multiply needs for its left factor and its result. The number is
  // rounded up, so that oneDNN compiles few shapes. The contents of pad rows are arbitrary.
  static int64_t PaddedRows(int64_t rows) { return RoundUp(rows, kRowMultiple); }
  static constexpr int64_t kRowMultiple = 8;

  // result [rows, columns] = left times the matrix; left [rows, inner] has the dtype of the matrix.
  // Thread-safe.
  void Multiply(const void* left, int64_t rows, float* result) const;

 private:
  template <typename Element>
  void PackAnyBlock(const StridedView<Element>& matrix, int64_t block);
  template <typename Element>
  void PackBlockForSgemm(const StridedView<Element>& block, int64_t start, int64_t columns);
  template <typename Element>
  void PackBlockForOneDnn(const StridedView<Element>& block, int64_t start, int64_t columns);
  void MultiplyWithSgemm(const void* left, int64_t rows, float* result) const;
  void MultiplyWithOneDnn(const void* left, int64_t rows, float* result) const;

  int64_t inner_;
  int64_t columns_;
  Dtype dtype_;
  void* packed_;
};

}  // namespace s2s

#endif  // S2S_PACKED_MATRIX_H_
