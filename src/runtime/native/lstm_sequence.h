// What S2sLstm and S2sLstmGrad share. The rows of a batch do not depend on each other: each thread
// takes some of them through all steps without waiting for other threads.
#ifndef S2S_LSTM_SEQUENCE_H_
#define S2S_LSTM_SEQUENCE_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "op_tensors.h"
#include "packed_kernel.h"
#include "packed_matrix.h"
#include "parallel.h"

namespace s2s {

struct SequenceSizes {
  int64_t batch;
  int64_t time;
  int64_t hidden;

  int64_t steps() const { return batch * time; }
  int64_t gates() const { return 4 * hidden; }
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

}  // namespace s2s

#endif  // S2S_LSTM_SEQUENCE_H_
