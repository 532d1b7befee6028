// S2sCrossEntropy: label-smoothed cross-entropy of logits with its gradient, in one pass over each
// row while it is in the cache.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "number_type.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorflow/core/framework/resource_var.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sCrossEntropy")
    .Input("logits: resource")
    .Input("bias: float")
    .Input("labels: int32")
    .Input("weights: float")
    .Output("loss: float")
    .Output("negative_log_likelihood: float")
    .Output("correct: float")
    .Output("d_logits: T")
    .Output("d_bias: float")
    .Attr("T: {float, bfloat16}")
    .Attr("label_smoothing: float")
    .Doc(
        "A variable with logits [positions, vocab], to which the bias [vocab] is added. The sums "
        "are over positions whose weight is not 0; d_logits and d_bias are gradients of loss. The "
        "variable is empty afterwards: d_logits reuses the memory of the logits unless someone "
        "else refers to it.");

namespace {

// Positions in one piece of work; sums are made piece by piece, so that they do not depend on the
// number of threads.
constexpr int64_t kPositions = 32;

struct Sums {
  double loss = 0, negative_log_likelihood = 0;
  int64_t correct = 0;
};

template <typename T>
class CrossEntropyOp : public tensorflow::OpKernel {
  using Number = s2s::NumberType<T>;

 public:
  explicit CrossEntropyOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("label_smoothing", &smoothing_));
  }

  void Compute(OpKernelContext* context) override {
    // Taken out first, so that the variable is empty after a failure, too.
    Tensor logits;
    OP_REQUIRES_OK(context, TakeLogits(context, &logits));
    OP_REQUIRES(context, logits.dims() == 2,
                tensorflow::errors::InvalidArgument("logits must be a matrix"));
    const int64_t positions = logits.dim_size(0), vocabulary = logits.dim_size(1);
    OP_REQUIRES(context, context->input(1).NumElements() == vocabulary,
                tensorflow::errors::InvalidArgument("the bias needs a number for each token"));
    OP_REQUIRES(context,
                context->input(2).NumElements() == positions &&
                    context->input(3).NumElements() == positions,
                tensorflow::errors::InvalidArgument("every position needs a label and a weight"));
    const int32_t* labels = context->input(2).flat<int32_t>().data();
    OP_REQUIRES(context,
                std::all_of(labels, labels + positions,
                            [&](int32_t label) { return label >= 0 && label < vocabulary; }),
                tensorflow::errors::InvalidArgument("labels must be in the vocabulary"));
    Tensor *loss = nullptr, *negative_log_likelihood = nullptr, *correct = nullptr,
           *d_bias = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({}), &loss));
    OP_REQUIRES_OK(context, context->allocate_output(1, TensorShape({}), &negative_log_likelihood));
    OP_REQUIRES_OK(context, context->allocate_output(2, TensorShape({}), &correct));
    // In place: the largest tensor of a training step is neither stored twice nor brought into the
    // cache twice.
    if (logits.RefCountIsOne()) {
      context->set_output(3, logits);
    } else {
      Tensor* other = nullptr;
      OP_REQUIRES_OK(context, context->allocate_output(3, logits.shape(), &other));
    }
    OP_REQUIRES_OK(context, context->allocate_output(4, {vocabulary}, &d_bias));
    const Number* from = reinterpret_cast<const Number*>(logits.flat<T>().data());
    Number* to = reinterpret_cast<Number*>(context->mutable_output(3)->flat<T>().data());
    const float *bias = context->input(1).flat<float>().data(),
                *weights = context->input(3).flat<float>().data();
    float* bias_gradient = d_bias->flat<float>().data();

    const int64_t pieces = (positions + kPositions - 1) / kPositions;
    std::vector<Sums> sums(pieces);
    s2s::Guard(context, [&] {
      static s2s::Buffer buffer;
      std::lock_guard<std::mutex> lock(s2s::SharedBuffers());
      float* columns = buffer.Get<float>(std::max<int64_t>(1, pieces) * vocabulary);
      s2s::ForEach(context, static_cast<int>(pieces), [&](int piece) {
        thread_local std::vector<float> row;
        row.resize(vocabulary);
        float* column_sums = columns + piece * vocabulary;
        std::fill_n(column_sums, vocabulary, 0.0f);
        for (int64_t position = piece * kPositions;
             position < std::min(positions, (piece + 1) * kPositions); ++position) {
          Row(from + position * vocabulary, bias, vocabulary, labels[position], weights[position],
              row.data(), to + position * vocabulary, column_sums, &sums[piece]);
        }
      });
      const int parts = 4 * s2s::Threads(context);
      s2s::ForEach(context, parts, [&](int part) {
        const int64_t first = vocabulary * part / parts, last = vocabulary * (part + 1) / parts;
        std::fill(bias_gradient + first, bias_gradient + last, 0.0f);
        for (int64_t piece = 0; piece < pieces; ++piece) {
          for (int64_t token = first; token < last; ++token)
            bias_gradient[token] += columns[piece * vocabulary + token];
        }
      });
    });
    Sums total;
    for (const Sums& part : sums) {
      total.loss += part.loss;
      total.negative_log_likelihood += part.negative_log_likelihood;
      total.correct += part.correct;
    }
    loss->scalar<float>()() = static_cast<float>(total.loss);
    negative_log_likelihood->scalar<float>()() = static_cast<float>(total.negative_log_likelihood);
    correct->scalar<float>()() = static_cast<float>(total.correct);
  }

 private:
  // Moves the value of the variable into `logits`. Inputs of an op that is run eagerly are never
  // the only reference to their memory; the value of a variable is, if every other reference has
  // been given up.
  static absl::Status TakeLogits(OpKernelContext* context, Tensor* logits) {
    tensorflow::core::RefCountPtr<tensorflow::Var> variable;
    TF_RETURN_IF_ERROR(
        tensorflow::LookupResource(context, tensorflow::HandleFromInput(context, 0), &variable));
    tensorflow::mutex_lock lock(*variable->mu());
    if (!variable->is_initialized)
      return tensorflow::errors::FailedPrecondition("the variable holds no logits");
    *logits = std::move(*variable->tensor());
    variable->is_initialized = false;
    if (logits->dtype() == tensorflow::DataTypeToEnum<T>::value) return absl::OkStatus();
    return tensorflow::errors::InvalidArgument("the logits must have the type T");
  }

  void Row(const Number* logits, const float* bias, int64_t vocabulary, int32_t label, float weight,
           float* row, Number* gradient, float* column_sums, Sums* sums) const {
    if (weight == 0) {
      std::fill_n(gradient, vocabulary, Number{0});
      return;
    }
    float largest = -INFINITY, sum = 0;
#pragma omp simd reduction(max : largest) reduction(+ : sum)
    for (int64_t token = 0; token < vocabulary; ++token) {
      const float logit = s2s::AsFloat(logits[token]) + bias[token];
      row[token] = logit;
      largest = std::max(largest, logit);
      sum += logit;
    }
    const float of_label = row[label];
    float exponentials = 0;
#pragma omp simd reduction(+ : exponentials)
    for (int64_t token = 0; token < vocabulary; ++token) {
      row[token] = s2s::Exp(row[token] - largest);
      exponentials += row[token];
    }
    const double log_sum = largest + std::log(static_cast<double>(exponentials));
    const double of_all = log_sum - static_cast<double>(sum) / vocabulary;
    sums->loss += weight * ((1.0 - smoothing_) * (log_sum - of_label) + smoothing_ * of_all);
    sums->negative_log_likelihood += log_sum - of_label;
    // Of several equal logits the first counts, as with argmax.
    if (of_label == largest) {
      const int64_t first =
          std::find_if(logits, logits + label,
                       [&](const Number& logit) {
                         return s2s::AsFloat(logit) + bias[&logit - logits] == largest;
                       }) -
          logits;
      if (first == label) ++sums->correct;
    }
    const float scale = weight / exponentials, everywhere = weight * smoothing_ / vocabulary;
    const auto at_label = scale * row[label] - everywhere - weight * (1.0f - smoothing_);
#pragma omp simd
    for (int64_t token = 0; token < vocabulary; ++token) {
      const float value = scale * row[token] - everywhere;
      gradient[token] = s2s::FromFloat<Number>(value);
      column_sums[token] += value;
    }
    column_sums[label] += at_label - (scale * row[label] - everywhere);
    gradient[label] = s2s::FromFloat<Number>(at_label);
  }

  float smoothing_;
};

REGISTER_KERNEL_BUILDER(
    Name("S2sCrossEntropy").Device(tensorflow::DEVICE_CPU).TypeConstraint<float>("T"),
    CrossEntropyOp<float>);
REGISTER_KERNEL_BUILDER(Name("S2sCrossEntropy")
                            .Device(tensorflow::DEVICE_CPU)
                            .TypeConstraint<tensorflow::bfloat16>("T"),
                        CrossEntropyOp<tensorflow::bfloat16>);

}  // namespace
