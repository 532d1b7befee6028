// S2sLstm and S2sLstmGrad: an LSTM over a whole sequence.
//
// Rows of a batch do not depend on each other: each thread takes some of them through all steps, and waits for no other.
#include <algorithm>
#include <vector>

#include "lstm_cell.h"
#include "product.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sLstm")
    .Input("projected: float")
    .Input("recurrent_kernel: float")
    .Input("initial_hidden: float")
    .Input("initial_cell: float")
    .Input("lengths: int32")
    .Output("outputs: float")
    .Output("final_hidden: float")
    .Output("final_cell: float")
    .Output("gates: float")
    .Output("cells: float")
    .Attr("reverse: bool = false")
    .Attr("low_precision: bool = false")
    .Doc("projected [batch, time, 4 * hidden] to outputs [batch, time, hidden] and the state after each row's last step; gates and cells are for the gradient.");

REGISTER_OP("S2sLstmGrad")
    .Input("recurrent_kernel: float")
    .Input("initial_hidden: float")
    .Input("initial_cell: float")
    .Input("lengths: int32")
    .Input("outputs: float")
    .Input("gates: float")
    .Input("cells: float")
    .Input("d_outputs: float")
    .Input("d_final_hidden: float")
    .Input("d_final_cell: float")
    .Output("d_projected: float")
    .Output("d_initial_hidden: float")
    .Output("d_initial_cell: float")
    .Output("previous_hidden: float")
    .Attr("reverse: bool = false")
    .Attr("low_precision: bool = false")
    .Doc("previous_hidden [batch, time, hidden] is the hidden state before each step: its transpose times d_projected is the gradient of the kernel.");

namespace {

// The steps of one row in the order of reading.
struct Steps {
  int64_t time;
  int64_t length;
  bool reverse;

  // Position of the step read after `read` others.
  int64_t At(int64_t read) const { return reverse ? length - 1 - read : read; }
};

// Shares of the rows, one for each thread.
struct Shares {
  Shares(OpKernelContext* context, int64_t rows) : rows(rows), count(std::min<int64_t>(rows, s2s::Threads(context))) {}
  int64_t Start(int share) const { return rows * share / count; }

  int64_t rows;
  int64_t count;
};

// Memory of a thread for its rows.
struct RowMemory {
  s2s::Buffer left, product, hidden, cell;
};

class LstmOpBase : public tensorflow::OpKernel {
 public:
  explicit LstmOpBase(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("reverse", &reverse_));
    OP_REQUIRES_OK(context, context->GetAttr("low_precision", &half_));
  }

 protected:
  // Rows that still read after `read` steps, in the order of the batch.
  static void Active(const int32_t* lengths, int64_t start, int64_t end, int64_t read, std::vector<int64_t>* active) {
    active->clear();
    for (int64_t row = start; row < end; ++row) {
      if (lengths[row] > read) active->push_back(row);
    }
  }

  static int64_t Longest(const int32_t* lengths, int64_t start, int64_t end) { return end > start ? *std::max_element(lengths + start, lengths + end) : 0; }

  bool LengthsFit(OpKernelContext* context, const Tensor& lengths, int64_t batch, int64_t time) {
    const auto values = lengths.flat<int32_t>();
    bool fit = values.size() == batch;
    for (int64_t row = 0; fit && row < batch; ++row) fit = values(row) >= 0 && values(row) <= time;
    if (!fit) context->CtxFailure(tensorflow::errors::InvalidArgument("lengths must be from 0 to the number of steps, one for each row"));
    return fit;
  }

  static const float* Data(OpKernelContext* context, int input) { return context->input(input).flat<float>().data(); }

  static bool Allocate(OpKernelContext* context, int output, const TensorShape& shape, float** data) {
    Tensor* tensor = nullptr;
    const auto status = context->allocate_output(output, shape, &tensor);
    if (!status.ok()) {
      context->CtxFailure(status);
      return false;
    }
    *data = tensor->flat<float>().data();
    return true;
  }

  bool reverse_, half_;
};

class LstmOp : public LstmOpBase {
 public:
  using LstmOpBase::LstmOpBase;

  void Compute(OpKernelContext* context) override {
    const Tensor& projected = context->input(0);
    OP_REQUIRES(context, projected.dims() == 3 && projected.dim_size(2) % 4 == 0, tensorflow::errors::InvalidArgument("projected must be [batch, time, 4 * hidden]"));
    const int64_t batch = projected.dim_size(0), time = projected.dim_size(1), hidden = projected.dim_size(2) / 4;
    OP_REQUIRES(context, context->input(1).shape() == TensorShape({hidden, 4 * hidden}), tensorflow::errors::InvalidArgument("recurrent_kernel must be [hidden, 4 * hidden]"));
    for (int input : {2, 3}) OP_REQUIRES(context, context->input(input).shape() == TensorShape({batch, hidden}), tensorflow::errors::InvalidArgument("states must be [batch, hidden]"));
    if (!LengthsFit(context, context->input(4), batch, time)) return;
    float *outputs, *final_hidden, *final_cell, *gates, *cells;
    if (!Allocate(context, 0, {batch, time, hidden}, &outputs) || !Allocate(context, 1, {batch, hidden}, &final_hidden) || !Allocate(context, 2, {batch, hidden}, &final_cell) ||
        !Allocate(context, 3, {batch, time, 4 * hidden}, &gates) || !Allocate(context, 4, {batch, time, hidden}, &cells)) {
      return;
    }
    if (batch == 0) return;
    const float* sums = projected.flat<float>().data();
    const float *initial_hidden = Data(context, 2), *initial_cell = Data(context, 3);
    const int32_t* lengths = context->input(4).flat<int32_t>().data();

    s2s::Guard(context, [&] {
      static s2s::Buffer buffer;
      std::lock_guard<std::mutex> lock(s2s::SharedBuffers());
      s2s::PackedMatrix kernel;
      kernel.Plan(&buffer, Data(context, 1), false, hidden, 4 * hidden, half_);
      s2s::ForEach(context, kernel.Pieces(), [&](int piece) { kernel.Pack(piece); });

      const Shares shares(context, batch);
      s2s::ForEach(context, static_cast<int>(shares.count), [&](int share) {
        thread_local RowMemory memory;
        const int64_t start = shares.Start(share), end = shares.Start(share + 1), rows = end - start;
        float* left = memory.left.Get<float>(rows * hidden);
        float* product = memory.product.Get<float>(rows * 4 * hidden);
        std::copy(initial_hidden + start * hidden, initial_hidden + end * hidden, final_hidden + start * hidden);
        std::copy(initial_cell + start * hidden, initial_cell + end * hidden, final_cell + start * hidden);
        std::vector<int64_t> active;
        for (int64_t read = 0; read < Longest(lengths, start, end); ++read) {
          Active(lengths, start, end, read, &active);
          bool zero = true;
          for (size_t i = 0; i < active.size(); ++i) {
            const float* state = final_hidden + active[i] * hidden;
            std::copy_n(state, hidden, left + i * hidden);
            zero = zero && read == 0 && std::all_of(state, state + hidden, [](float value) { return value == 0.0f; });
          }
          if (!zero) kernel.Multiply(left, active.size(), product);
          for (size_t i = 0; i < active.size(); ++i) {
            const int64_t row = active[i], at = row * time + Steps{time, lengths[row], reverse_}.At(read);
            float *state = final_hidden + row * hidden, *cell = final_cell + row * hidden;
            s2s::CellForward(hidden, sums + at * 4 * hidden, zero ? nullptr : product + i * 4 * hidden, cell, gates + at * 4 * hidden, cell, state);
            std::copy_n(state, hidden, outputs + at * hidden);
            std::copy_n(cell, hidden, cells + at * hidden);
          }
        }
        for (int64_t row = start; row < end; ++row) {
          const int64_t first = row * time + lengths[row], after = (row + 1) * time;
          std::fill(outputs + first * hidden, outputs + after * hidden, 0.0f);
        }
      });
    });
  }
};

class LstmGradOp : public LstmOpBase {
 public:
  using LstmOpBase::LstmOpBase;

  void Compute(OpKernelContext* context) override {
    const Tensor& all_gates = context->input(5);
    OP_REQUIRES(context, all_gates.dims() == 3 && all_gates.dim_size(2) % 4 == 0, tensorflow::errors::InvalidArgument("gates must be [batch, time, 4 * hidden]"));
    const int64_t batch = all_gates.dim_size(0), time = all_gates.dim_size(1), hidden = all_gates.dim_size(2) / 4;
    OP_REQUIRES(context, context->input(0).shape() == TensorShape({hidden, 4 * hidden}), tensorflow::errors::InvalidArgument("recurrent_kernel must be [hidden, 4 * hidden]"));
    for (int input : {1, 2, 8, 9}) OP_REQUIRES(context, context->input(input).shape() == TensorShape({batch, hidden}), tensorflow::errors::InvalidArgument("states must be [batch, hidden]"));
    for (int input : {4, 6, 7}) OP_REQUIRES(context, context->input(input).shape() == TensorShape({batch, time, hidden}), tensorflow::errors::InvalidArgument("outputs and cells must be [batch, time, hidden]"));
    if (!LengthsFit(context, context->input(3), batch, time)) return;
    float *d_projected, *d_hidden, *d_cell, *previous_hidden;
    if (!Allocate(context, 0, {batch, time, 4 * hidden}, &d_projected) || !Allocate(context, 1, {batch, hidden}, &d_hidden) || !Allocate(context, 2, {batch, hidden}, &d_cell) ||
        !Allocate(context, 3, {batch, time, hidden}, &previous_hidden)) {
      return;
    }
    if (batch == 0) return;
    const float *initial_hidden = Data(context, 1), *initial_cell = Data(context, 2), *outputs = Data(context, 4), *gates = Data(context, 5), *cells = Data(context, 6), *d_outputs = Data(context, 7);
    const float *d_final_hidden = Data(context, 8), *d_final_cell = Data(context, 9);
    const int32_t* lengths = context->input(3).flat<int32_t>().data();

    s2s::Guard(context, [&] {
      static s2s::Buffer buffer;
      std::lock_guard<std::mutex> lock(s2s::SharedBuffers());
      s2s::PackedMatrix kernel;
      kernel.Plan(&buffer, Data(context, 0), true, 4 * hidden, hidden, half_);
      s2s::ForEach(context, kernel.Pieces(), [&](int piece) { kernel.Pack(piece); });

      const Shares shares(context, batch);
      s2s::ForEach(context, static_cast<int>(shares.count), [&](int share) {
        thread_local RowMemory memory;
        const int64_t start = shares.Start(share), end = shares.Start(share + 1), rows = end - start;
        float* left = memory.left.Get<float>(rows * 4 * hidden);
        float* product = memory.product.Get<float>(rows * hidden);
        std::copy(d_final_hidden + start * hidden, d_final_hidden + end * hidden, d_hidden + start * hidden);
        std::copy(d_final_cell + start * hidden, d_final_cell + end * hidden, d_cell + start * hidden);
        std::vector<int64_t> active;
        for (int64_t read = Longest(lengths, start, end) - 1; read >= 0; --read) {
          Active(lengths, start, end, read, &active);
          for (size_t i = 0; i < active.size(); ++i) {
            const int64_t row = active[i];
            const Steps steps{time, lengths[row], reverse_};
            const int64_t at = row * time + steps.At(read);
            const bool first = read == 0;
            const int64_t before = first ? 0 : row * time + steps.At(read - 1);
            const float* cell = first ? initial_cell + row * hidden : cells + before * hidden;
            float* d_sums = d_projected + at * 4 * hidden;
            s2s::CellBackward(hidden, gates + at * 4 * hidden, cell, cells + at * hidden, d_hidden + row * hidden, d_outputs + at * hidden, d_cell + row * hidden, d_sums, d_cell + row * hidden);
            std::copy_n(d_sums, 4 * hidden, left + i * 4 * hidden);
            std::copy_n(first ? initial_hidden + row * hidden : outputs + before * hidden, hidden, previous_hidden + at * hidden);
          }
          kernel.Multiply(left, active.size(), product);
          for (size_t i = 0; i < active.size(); ++i) std::copy_n(product + i * hidden, hidden, d_hidden + active[i] * hidden);
        }
        for (int64_t row = start; row < end; ++row) {
          const int64_t first = row * time + lengths[row], after = (row + 1) * time;
          std::fill(d_projected + first * 4 * hidden, d_projected + after * 4 * hidden, 0.0f);
          std::fill(previous_hidden + first * hidden, previous_hidden + after * hidden, 0.0f);
        }
      });
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sLstm").Device(tensorflow::DEVICE_CPU), LstmOp);
REGISTER_KERNEL_BUILDER(Name("S2sLstmGrad").Device(tensorflow::DEVICE_CPU), LstmGradOp);

}  // namespace
