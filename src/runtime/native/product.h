// Matrix products of some rows with one and the same matrix, for use on many threads at once: by
// oneDNN, or by float_product.h where oneDNN has no fast ones.
#ifndef S2S_PRODUCT_H_
#define S2S_PRODUCT_H_

#include <cstddef>
#include <cstdint>

#include "float_product.h"
#include "parallel.h"

namespace s2s {

// Whether oneDNN has layouts of its own for right factors here, and multiplies bfloat16: on x64,
// with AVX-512. Elsewhere bfloat16 factors are rounded and multiplied in float32, which gives the
// same products.
bool UsesOneDnn();

// The right factor, laid out as it is multiplied fastest.
class PackedMatrix {
 public:
  // half: whether the factors are rounded to bfloat16; sums are float32 anyway.
  PackedMatrix(int64_t inner, int64_t columns, bool half, void* memory)
      : inner_(inner), columns_(columns), half_(half), packed_(memory) {}

  // Bytes of memory that the packed matrix takes, a multiple of 64.
  static size_t Size(int64_t inner, int64_t columns, bool half);

  // Writes the packed matrix into its memory, from one [inner, columns].
  void Pack(const Strided& matrix);
  // The same in pieces, for as many threads: piece 0 ... Pieces() - 1.
  int Pieces() const;
  void PackPiece(const Strided& matrix, int piece);

  // Rows that Multiply may read of its left factor and write of its result, for so many: it rounds
  // their number up, so that there are few different shapes of products. Rows beyond the last may
  // hold anything, and get it.
  static int64_t RowsTouched(int64_t rows);

  // result [rows, columns] = left the matrix, where left [rows, inner] is float32, or bfloat16
  // where the matrix is. For any thread.
  void Multiply(const void* left, int64_t rows, float* result) const;

 private:
  int64_t inner_, columns_;
  bool half_;
  void* packed_;
};

}  // namespace s2s

#endif  // S2S_PRODUCT_H_
