// S2sLstm and S2sLstmGrad: an LSTM over a whole sequence.
//
// Rows of a batch do not depend on each other: each thread takes some of them through all steps,
// and waits for no other.
#include <algorithm>
#include <vector>

#include "lstm_cell.h"
#include "number_type.h"
#include "product.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sLstm")
    .Input("projected: T")
    .Input("bias: float")
    .Input("recurrent_kernel: float")
    .Input("initial_hidden: float")
    .Input("initial_cell: float")
    .Input("lengths: int32")
    .Output("outputs: float")
    .Output("final_hidden: float")
    .Output("final_cell: float")
    .Output("gates: float")
    .Output("cells: float")
    .Attr("T: {float, bfloat16}")
    .Attr("time: int")
    .Attr("reverse: bool = false")
    .Doc(
        "projected [batch * time or more, 4 * hidden], without the bias, to outputs [batch, time, "
        "hidden] and the state after each row's last step; gates and cells are for the gradient. T "
        "is what products multiply in.");

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
    .Output("d_projected: T")
    .Output("d_bias: float")
    .Output("d_initial_hidden: float")
    .Output("d_initial_cell: float")
    .Output("previous_hidden: T")
    .Attr("T: {float, bfloat16}")
    .Attr("rows: int")
    .Attr("reverse: bool = false")
    .Doc(
        "d_projected is [rows, 4 * hidden], zero behind its batch * time rows. previous_hidden "
        "[rows, hidden], likewise, is the hidden state before each step: its transpose times "
        "d_projected is the gradient of the kernel.");

namespace {

// Columns in one piece of work when the gradient of the bias is summed up.
constexpr int64_t kBiasColumns = 256;

// Shares of the rows, one for each thread.
struct Shares {
  Shares(OpKernelContext* context, int64_t rows)
      : rows(rows), count(std::min<int64_t>(rows, s2s::Threads(context))) {}
  int64_t Start(int share) const { return rows * share / count; }

  int64_t rows;
  int64_t count;
};

// Memory of a thread for its rows.
struct ThreadMemory {
  s2s::Buffer left, result;
};

ThreadMemory& MemoryOfThread() {
  thread_local ThreadMemory memory;
  return memory;
}

template <typename T>
class LstmOpBase : public tensorflow::OpKernel {
 protected:
  using Number = s2s::NumberType<T>;
  static constexpr bool kHalf = sizeof(Number) == 2;

 public:
  explicit LstmOpBase(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("reverse", &reverse_));
  }

 protected:
  // Position of the step that a row reads after `read` others.
  int64_t Position(int64_t length, int64_t read) const {
    return reverse_ ? length - 1 - read : read;
  }

  // Rows that still read after `read` steps, in the order of the batch.
  static void Active(const int32_t* lengths, int64_t start, int64_t end, int64_t read,
                     std::vector<int64_t>* active) {
    active->clear();
    for (int64_t row = start; row < end; ++row) {
      if (lengths[row] > read) active->push_back(row);
    }
  }

  static int64_t Longest(const int32_t* lengths, int64_t start, int64_t end) {
    return end > start ? *std::max_element(lengths + start, lengths + end) : 0;
  }

  static void Copy(const float* from, int64_t count, Number* to) {
    for (int64_t i = 0; i < count; ++i) to[i] = s2s::FromFloat<Number>(from[i]);
  }

  static s2s::PackedMatrix Packed(OpKernelContext* context, s2s::Buffer* buffer,
                                  const s2s::Strided& matrix, int64_t inner, int64_t columns) {
    s2s::PackedMatrix packed(inner, columns, kHalf,
                             buffer->Get<char>(s2s::PackedMatrix::Size(inner, columns, kHalf)));
    s2s::ForEach(context, packed.Pieces(), [&](int piece) { packed.PackPiece(matrix, piece); });
    return packed;
  }

  static bool Check(OpKernelContext* context, bool fits, const char* message) {
    if (!fits) context->CtxFailure(tensorflow::errors::InvalidArgument(message));
    return fits;
  }

  static bool CheckLengths(OpKernelContext* context, const Tensor& lengths, int64_t batch,
                           int64_t time) {
    const auto values = lengths.flat<int32_t>();
    bool fit = values.size() == batch;
    for (int64_t row = 0; fit && row < batch; ++row) fit = values(row) >= 0 && values(row) <= time;
    return Check(context, fit, "lengths must be from 0 to the number of steps, one for each row");
  }

  static const float* Data(OpKernelContext* context, int input) {
    return context->input(input).flat<float>().data();
  }

  template <typename Element>
  static bool Allocate(OpKernelContext* context, int output, const TensorShape& shape,
                       s2s::NumberType<Element>** data) {
    Tensor* tensor = nullptr;
    const auto status = context->allocate_output(output, shape, &tensor);
    if (status.ok())
      *data = reinterpret_cast<s2s::NumberType<Element>*>(tensor->flat<Element>().data());
    else
      context->CtxFailure(status);
    return status.ok();
  }

  bool reverse_;
};

template <typename T>
class LstmOp : public LstmOpBase<T> {
  using Base = LstmOpBase<T>;
  using typename Base::Number;

 public:
  explicit LstmOp(OpKernelConstruction* context) : Base(context) {
    OP_REQUIRES_OK(context, context->GetAttr("time", &time_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& projected = context->input(0);
    const int64_t batch = context->input(5).NumElements(), time = time_;
    if (!Base::Check(context,
                     projected.dims() == 2 && batch > 0 && time >= 0 &&
                         projected.dim_size(0) >= batch * time && projected.dim_size(1) % 4 == 0,
                     "projected must be [batch * time or more, 4 * hidden]"))
      return;
    const int64_t hidden = projected.dim_size(1) / 4;
    if (!Base::Check(context, context->input(1).NumElements() == 4 * hidden,
                     "bias must be [4 * hidden]"))
      return;
    if (!Base::Check(context, context->input(2).shape() == TensorShape({hidden, 4 * hidden}),
                     "recurrent_kernel must be [hidden, 4 * hidden]"))
      return;
    for (int input : {3, 4}) {
      if (!Base::Check(context, context->input(input).shape() == TensorShape({batch, hidden}),
                       "states must be [batch, hidden]"))
        return;
    }
    if (!Base::CheckLengths(context, context->input(5), batch, time)) return;
    float *outputs, *final_hidden, *final_cell, *gates, *cells;
    if (!Base::template Allocate<float>(context, 0, {batch, time, hidden}, &outputs) ||
        !Base::template Allocate<float>(context, 1, {batch, hidden}, &final_hidden) ||
        !Base::template Allocate<float>(context, 2, {batch, hidden}, &final_cell) ||
        !Base::template Allocate<float>(context, 3, {batch, time, 4 * hidden}, &gates) ||
        !Base::template Allocate<float>(context, 4, {batch, time, hidden}, &cells)) {
      return;
    }
    const Number* sums = reinterpret_cast<const Number*>(projected.flat<T>().data());
    const float *bias = Base::Data(context, 1), *initial_hidden = Base::Data(context, 3),
                *initial_cell = Base::Data(context, 4);
    const int32_t* lengths = context->input(5).flat<int32_t>().data();

    s2s::Guard(context, [&] {
      static s2s::Buffer buffer;
      std::lock_guard<std::mutex> lock(s2s::SharedBuffers());
      const auto kernel = Base::Packed(context, &buffer, {Base::Data(context, 2), 4 * hidden, 1},
                                       hidden, 4 * hidden);
      const Shares shares(context, batch);
      s2s::ForEach(context, static_cast<int>(shares.count), [&](int share) {
        const int64_t start = shares.Start(share), end = shares.Start(share + 1);
        const int64_t touched = s2s::PackedMatrix::RowsTouched(end - start);
        auto* left = MemoryOfThread().left.Get<Number>(touched * hidden);
        auto* product = MemoryOfThread().result.Get<float>(touched * 4 * hidden);
        std::copy(initial_hidden + start * hidden, initial_hidden + end * hidden,
                  final_hidden + start * hidden);
        std::copy(initial_cell + start * hidden, initial_cell + end * hidden,
                  final_cell + start * hidden);
        // Encoders start at zero, where there is nothing to multiply.
        const bool from_zero =
            std::all_of(initial_hidden + start * hidden, initial_hidden + end * hidden,
                        [](float value) { return value == 0.0f; });
        std::vector<int64_t> active;
        for (int64_t read = 0; read < Base::Longest(lengths, start, end); ++read) {
          Base::Active(lengths, start, end, read, &active);
          const bool multiply = read > 0 || !from_zero;
          if (multiply) {
            for (size_t i = 0; i < active.size(); ++i)
              Base::Copy(final_hidden + active[i] * hidden, hidden, left + i * hidden);
            kernel.Multiply(left, active.size(), product);
          }
          for (size_t i = 0; i < active.size(); ++i) {
            const int64_t row = active[i], at = row * time + this->Position(lengths[row], read);
            float *state = final_hidden + row * hidden, *cell = final_cell + row * hidden;
            const auto forward = multiply ? s2s::CellForward<true, true, Number>
                                          : s2s::CellForward<true, false, Number>;
            forward(hidden, sums + at * 4 * hidden, bias, product + i * 4 * hidden, cell,
                    gates + at * 4 * hidden, cell, state);
            std::copy_n(state, hidden, outputs + at * hidden);
            std::copy_n(cell, hidden, cells + at * hidden);
          }
        }
        for (int64_t row = start; row < end; ++row)
          std::fill(outputs + (row * time + lengths[row]) * hidden,
                    outputs + (row + 1) * time * hidden, 0.0f);
      });
    });
  }

 private:
  int64_t time_;
};

template <typename T>
class LstmGradOp : public LstmOpBase<T> {
  using Base = LstmOpBase<T>;
  using typename Base::Number;

 public:
  explicit LstmGradOp(OpKernelConstruction* context) : Base(context) {
    OP_REQUIRES_OK(context, context->GetAttr("rows", &rows_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& all_gates = context->input(5);
    if (!Base::Check(
            context,
            all_gates.dims() == 3 && all_gates.dim_size(0) > 0 && all_gates.dim_size(2) % 4 == 0,
            "gates must be [batch, time, 4 * hidden]"))
      return;
    const int64_t batch = all_gates.dim_size(0), time = all_gates.dim_size(1),
                  hidden = all_gates.dim_size(2) / 4;
    if (!Base::Check(context, context->input(0).shape() == TensorShape({hidden, 4 * hidden}),
                     "recurrent_kernel must be [hidden, 4 * hidden]"))
      return;
    for (int input : {1, 2, 8, 9}) {
      if (!Base::Check(context, context->input(input).shape() == TensorShape({batch, hidden}),
                       "states must be [batch, hidden]"))
        return;
    }
    for (int input : {4, 6, 7}) {
      if (!Base::Check(context, context->input(input).shape() == TensorShape({batch, time, hidden}),
                       "outputs and cells must be [batch, time, hidden]"))
        return;
    }
    if (!Base::CheckLengths(context, context->input(3), batch, time)) return;
    if (!Base::Check(context, rows_ >= batch * time, "rows must be batch * time or more")) return;
    Number *d_projected, *previous_hidden;
    float *d_bias, *d_hidden, *d_cell;
    if (!Base::template Allocate<T>(context, 0, {rows_, 4 * hidden}, &d_projected) ||
        !Base::template Allocate<float>(context, 1, {4 * hidden}, &d_bias) ||
        !Base::template Allocate<float>(context, 2, {batch, hidden}, &d_hidden) ||
        !Base::template Allocate<float>(context, 3, {batch, hidden}, &d_cell) ||
        !Base::template Allocate<T>(context, 4, {rows_, hidden}, &previous_hidden)) {
      return;
    }
    const float *initial_hidden = Base::Data(context, 1), *initial_cell = Base::Data(context, 2),
                *outputs = Base::Data(context, 4), *gates = Base::Data(context, 5);
    const float *cells = Base::Data(context, 6), *d_outputs = Base::Data(context, 7),
                *d_final_hidden = Base::Data(context, 8), *d_final_cell = Base::Data(context, 9);
    const int32_t* lengths = context->input(3).flat<int32_t>().data();
    std::fill_n(d_bias, 4 * hidden, 0.0f);
    std::fill(d_projected + batch * time * 4 * hidden, d_projected + rows_ * 4 * hidden, Number{0});
    std::fill(previous_hidden + batch * time * hidden, previous_hidden + rows_ * hidden, Number{0});

    s2s::Guard(context, [&] {
      static s2s::Buffer buffer;
      std::lock_guard<std::mutex> lock(s2s::SharedBuffers());
      const auto kernel = Base::Packed(context, &buffer, {Base::Data(context, 0), 1, 4 * hidden},
                                       4 * hidden, hidden);
      const Shares shares(context, batch);
      s2s::ForEach(context, static_cast<int>(shares.count), [&](int share) {
        const int64_t start = shares.Start(share), end = shares.Start(share + 1);
        const int64_t touched = s2s::PackedMatrix::RowsTouched(end - start);
        auto* left = MemoryOfThread().left.Get<Number>(touched * 4 * hidden);
        auto* product = MemoryOfThread().result.Get<float>(touched * hidden);
        std::copy(d_final_hidden + start * hidden, d_final_hidden + end * hidden,
                  d_hidden + start * hidden);
        std::copy(d_final_cell + start * hidden, d_final_cell + end * hidden,
                  d_cell + start * hidden);
        std::vector<int64_t> active;
        for (int64_t read = Base::Longest(lengths, start, end) - 1; read >= 0; --read) {
          Base::Active(lengths, start, end, read, &active);
          for (size_t i = 0; i < active.size(); ++i) {
            const int64_t row = active[i], at = row * time + this->Position(lengths[row], read);
            const int64_t before = row * time + this->Position(lengths[row], read - 1);
            const float* cell = read == 0 ? initial_cell + row * hidden : cells + before * hidden;
            Number* d_sums = left + i * 4 * hidden;
            s2s::CellBackward<true>(hidden, gates + at * 4 * hidden, cell, cells + at * hidden,
                                    d_hidden + row * hidden, d_outputs + at * hidden,
                                    d_cell + row * hidden, d_sums, d_cell + row * hidden);
            std::copy_n(d_sums, 4 * hidden, d_projected + at * 4 * hidden);
            Base::Copy(read == 0 ? initial_hidden + row * hidden : outputs + before * hidden,
                       hidden, previous_hidden + at * hidden);
          }
          kernel.Multiply(left, active.size(), product);
          for (size_t i = 0; i < active.size(); ++i)
            std::copy_n(product + i * hidden, hidden, d_hidden + active[i] * hidden);
        }
        for (int64_t row = start; row < end; ++row) {
          const int64_t first = row * time + lengths[row], after = (row + 1) * time;
          std::fill(d_projected + first * 4 * hidden, d_projected + after * 4 * hidden, Number{0});
          std::fill(previous_hidden + first * hidden, previous_hidden + after * hidden, Number{0});
        }
      });
      // After the loop, so that the order of the sums does not depend on the number of threads.
      s2s::ForEachPiece(context, 4 * hidden, kBiasColumns, [&](int64_t first, int64_t last) {
        for (int64_t row = 0; row < batch * time; ++row) {
          for (int64_t column = first; column < last; ++column)
            d_bias[column] += s2s::AsFloat(d_projected[row * 4 * hidden + column]);
        }
      });
    });
  }

 private:
  int64_t rows_;
};

#define REGISTER(T)                                                                              \
  REGISTER_KERNEL_BUILDER(Name("S2sLstm").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), \
                          LstmOp<T>);                                                            \
  REGISTER_KERNEL_BUILDER(                                                                       \
      Name("S2sLstmGrad").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), LstmGradOp<T>)
REGISTER(float);
REGISTER(tensorflow::bfloat16);
#undef REGISTER

}  // namespace
