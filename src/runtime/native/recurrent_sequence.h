// The loops over time of recurrent layers (lstm_op.cc, gru_op.cc and their gradients). The rows of
// a batch do not depend on each other: each thread takes some of them through all steps without
// waiting for other threads.
#ifndef S2S_RECURRENT_SEQUENCE_H_
#define S2S_RECURRENT_SEQUENCE_H_

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <vector>

#include "dtype.h"
#include "matrix_view.h"
#include "op_tensors.h"
#include "packed_kernel.h"
#include "packed_matrix.h"
#include "parallel.h"
#include "row_sums.h"

namespace s2s {

// Row `sentence * time + step` of [batch * time, ...] belongs to one step of one sentence.
struct SequenceSizes {
  int64_t batch;
  int64_t time;
  int64_t hidden;
  int64_t gates;  // columns of the recurrent kernel

  int64_t steps() const { return batch * time; }
};

// Rows start ... end - 1 of a batch.
struct RowRange {
  int64_t start;
  int64_t end;

  int64_t size() const { return end - start; }
};

// The rows of a batch divided among the threads.
struct RowShares {
  RowShares(tensorflow::OpKernelContext* context, int64_t rows)
      : rows(rows), count(std::min<int64_t>(rows, ThreadCount(context))) {}

  RowRange operator[](int64_t share) const {
    return {rows * share / count, rows * (share + 1) / count};
  }

  int64_t rows;
  int64_t count;
};

// The order in which a row reads its steps.
struct StepOrder {
  bool reverse;

  // Position of the step that a row of this length reads after `read` others.
  int64_t Position(int64_t length, int64_t read) const {
    return reverse ? length - 1 - read : read;
  }
};

// The factor and the result of a thread's recurrent products.
struct ProductBuffers {
  ScratchBuffer left;
  ScratchBuffer result;
};

inline ProductBuffers& ThreadProductBuffers() {
  thread_local ProductBuffers buffers;
  return buffers;
}

// Packs `kernel` [inner, columns], a recurrent kernel or its transpose, and calls run(packed, rows)
// for each thread's share of the rows.
template <typename Element, typename Run>
void RunShares(tensorflow::OpKernelContext* context, const SequenceSizes& sizes,
               const StridedMatrix& kernel, int64_t inner, int64_t columns, const Run& run) {
  static ScratchBuffer buffer;
  std::lock_guard<std::mutex> lock(SharedBufferMutex());
  const auto packed = PackKernel<Element>(context, &buffer, kernel, inner, columns);
  const RowShares shares(context, sizes.batch);
  ParallelFor(context, shares.count, [&](int64_t share) { run(packed, shares[share]); });
}

// Finds the rows with more than `read` steps, in the order of the batch.
inline void FindActiveRows(const int32_t* lengths, const RowRange& rows, int64_t read,
                           std::vector<int64_t>* active) {
  active->clear();
  for (int64_t row = rows.start; row < rows.end; ++row) {
    if (lengths[row] > read) active->push_back(row);
  }
}

inline int64_t LongestLength(const int32_t* lengths, const RowRange& rows) {
  return rows.size() > 0 ? *std::max_element(lengths + rows.start, lengths + rows.end) : 0;
}

inline absl::Status CheckLengths(tensorflow::OpKernelContext* context, int input,
                                 const SequenceSizes& sizes) {
  const auto lengths = context->input(input).flat<int32_t>();
  bool are_valid = lengths.size() == sizes.batch;
  for (int64_t row = 0; are_valid && row < sizes.batch; ++row)
    are_valid = lengths(row) >= 0 && lengths(row) <= sizes.time;
  return CheckArgument(are_valid, "lengths must be [batch], each from 0 to time");
}

// Takes rows through all their steps. Before each step, the hidden states [batch, hidden] of the
// rows that have it are multiplied by `kernel` [hidden, gates] in one product. step(row, read,
// product) computes the step of one row after `read` others, from its row of the product, which is
// null if it is zero, and replaces its hidden state.
template <typename Element, typename Step>
void RunForward(const SequenceSizes& sizes, const int32_t* lengths, const PackedMatrix& kernel,
                const RowRange& rows, const MatrixView<float>& hidden, const Step& step) {
  // Encoders start with a state of zero: the product of the first step is zero, too.
  const bool starts_at_zero =
      std::all_of(hidden[rows.start], hidden[rows.end], [](float value) { return value == 0.0f; });
  const int64_t padded_rows = PackedMatrix::PaddedRows(rows.size());
  ProductBuffers& buffers = ThreadProductBuffers();
  const MatrixView<Element> left{buffers.left.template Get<Element>(padded_rows * sizes.hidden),
                                 sizes.hidden};
  const MatrixView<float> product{buffers.result.Get<float>(padded_rows * sizes.gates),
                                  sizes.gates};
  const int64_t longest = LongestLength(lengths, rows);
  std::vector<int64_t> active;
  for (int64_t read = 0; read < longest; ++read) {
    FindActiveRows(lengths, rows, read, &active);
    const int64_t count = active.size();
    const bool has_product = read > 0 || !starts_at_zero;
    if (has_product) {
      for (int64_t i = 0; i < count; ++i) CastTo(hidden[active[i]], sizes.hidden, left[i]);
      kernel.Multiply(left.data, count, product.data);
    }
    for (int64_t i = 0; i < count; ++i) step(active[i], read, has_product ? product[i] : nullptr);
  }
}

// Takes rows back through all their steps. step(row, read, d_product) computes the gradient of the
// row's product [gates], and replaces the gradient of the hidden state after the step, in
// `d_hidden` [batch, hidden], by that part of the gradient of the state before the step which does
// not pass through the product. The other part, a product with the transposed kernel, is added
// here.
template <typename Element, typename Step>
void RunBackward(const SequenceSizes& sizes, const int32_t* lengths,
                 const PackedMatrix& transposed_kernel, const RowRange& rows,
                 const MatrixView<float>& d_hidden, const Step& step) {
  const int64_t padded_rows = PackedMatrix::PaddedRows(rows.size());
  ProductBuffers& buffers = ThreadProductBuffers();
  const MatrixView<Element> d_product{buffers.left.template Get<Element>(padded_rows * sizes.gates),
                                      sizes.gates};
  const MatrixView<float> through_product{buffers.result.Get<float>(padded_rows * sizes.hidden),
                                          sizes.hidden};
  std::vector<int64_t> active;
  for (int64_t read = LongestLength(lengths, rows) - 1; read >= 0; --read) {
    FindActiveRows(lengths, rows, read, &active);
    const int64_t count = active.size();
    for (int64_t i = 0; i < count; ++i) step(active[i], read, d_product[i]);
    transposed_kernel.Multiply(d_product.data, count, through_product.data);
    for (int64_t i = 0; i < count; ++i) {
      float* sum = d_hidden[active[i]];
      for (int64_t unit = 0; unit < sizes.hidden; ++unit) sum[unit] += through_product[i][unit];
    }
  }
}

// Sets the steps after each row's length to zero.
template <typename Element>
void ClearPadding(const SequenceSizes& sizes, const int32_t* lengths, const RowRange& rows,
                  const MatrixView<Element>& values) {
  for (int64_t row = rows.start; row < rows.end; ++row)
    std::fill(values[row * sizes.time + lengths[row]], values[(row + 1) * sizes.time], Element{0});
}

// Adds up the rows of all steps, such as the gradient of a bias from those of the steps.
template <typename Element>
void SumSteps(tensorflow::OpKernelContext* context, const SequenceSizes& sizes,
              const MatrixView<Element>& values, float* sums) {
  SumOverRows(context, sizes.steps(), values.stride, sums,
              [&](int64_t start, int64_t end, float* block_sums) {
                for (int64_t step = start; step < end; ++step) {
                  const Element* addend = values[step];
#pragma omp simd
                  for (int64_t column = 0; column < values.stride; ++column)
                    block_sums[column] += ToFloat(addend[column]);
                }
              });
}

}  // namespace s2s

#endif  // S2S_RECURRENT_SEQUENCE_H_
