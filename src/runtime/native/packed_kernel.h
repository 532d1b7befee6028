// Packing a kernel for the products of one call of an op, and casting their left factors.
#ifndef S2S_PACKED_KERNEL_H_
#define S2S_PACKED_KERNEL_H_

#include <cstdint>
#include <type_traits>

#include "dtype.h"
#include "matrix_view.h"
#include "packed_matrix.h"
#include "parallel.h"

namespace s2s {

template <typename Element>
inline void CastTo(const float* from, int64_t count, Element* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = FromFloat<Element>(from[i]);
}

// A matrix in memory of the buffer, for factors of type Element; its contents are still undefined.
template <typename Element>
PackedMatrix AllocatePacked(ScratchBuffer* buffer, int64_t inner, int64_t columns) {
  constexpr Dtype kDtype = std::is_same_v<Element, Bfloat16> ? Dtype::kBfloat16 : Dtype::kFloat32;
  char* memory = buffer->Get<char>(PackedMatrix::Size(inner, columns, kDtype));
  return PackedMatrix(inner, columns, kDtype, memory);
}

// Packs a kernel, or its transpose, for factors of type Element, on all threads.
template <typename Element>
PackedMatrix PackKernel(tensorflow::OpKernelContext* context, ScratchBuffer* buffer,
                        const StridedMatrix& kernel, int64_t inner, int64_t columns) {
  PackedMatrix packed = AllocatePacked<Element>(buffer, inner, columns);
  ParallelFor(context, packed.Blocks(), [&](int64_t block) { packed.PackBlock(kernel, block); });
  return packed;
}

}  // namespace s2s

#endif  // S2S_PACKED_KERNEL_H_
