// Ops that compute each row of a matrix from the same row of their inputs.
#ifndef S2S_OP_ROWS_H_
#define S2S_OP_ROWS_H_

#include <cstdint>

#include "matrix_view.h"
#include "op_tensors.h"
#include "parallel.h"

namespace s2s {

// Calls work(row) for all rows, on all threads.
template <typename Work>
void ParallelForRows(tensorflow::OpKernelContext* context, int64_t rows, const Work& work) {
  constexpr int64_t kBlockRows = 16;
  ParallelForBlocks(context, rows, kBlockRows, [&](int64_t start, int64_t end) {
    for (int64_t row = start; row < end; ++row) work(row);
  });
}

inline MatrixView<const float> InputRows(tensorflow::OpKernelContext* context, int input,
                                         int64_t columns) {
  return {InputData<float>(context, input), columns};
}

// An output with this shape, as the rows of its last dimension.
inline absl::Status AllocateAs(tensorflow::OpKernelContext* context, int output,
                               const tensorflow::TensorShape& shape, MatrixView<float>* view) {
  view->stride = shape.dim_size(shape.dims() - 1);
  return AllocateOutput<float>(context, output, shape, &view->data);
}

inline absl::Status AllocateRows(tensorflow::OpKernelContext* context, int output, int64_t rows,
                                 int64_t columns, MatrixView<float>* view) {
  return AllocateAs(context, output, {rows, columns}, view);
}

}  // namespace s2s

#endif  // S2S_OP_ROWS_H_
