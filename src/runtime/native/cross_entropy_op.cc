// S2sCrossEntropy: cross-entropy of logits with label smoothing (Szegedy et al. 2016, section 7)
// and its gradient, in one pass over each row while it is in the cache.
//
// logits [positions, vocab] (in a variable), bias [vocab], labels and weights [positions] to the
// scalars loss, negative_log_likelihood and correct and the gradients d_logits [positions, vocab]
// and d_bias [vocab].
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "matrix_view.h"
#include "op_tensors.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorflow/core/framework/resource_var.h"
#include "vector_math.h"

using s2s::MatrixView;
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
        "A variable holds the logits [positions, vocab], to which the bias [vocab] is added. loss, "
        "negative_log_likelihood and correct are sums over the positions whose weight is not 0; "
        "only the loss is weighted and smoothed. d_logits and d_bias are gradients of the loss. "
        "The op empties the variable; d_logits reuses the memory of the logits if nothing else "
        "refers to it.");

namespace {

// Sums are computed block by block, so that they do not depend on the number of threads.
constexpr int64_t kBlockPositions = 32;

struct Sums {
  double loss = 0;
  double negative_log_likelihood = 0;
  int64_t correct = 0;
};

// The softmax statistics of a row of logits.
struct RowStatistics {
  float max;
  float sum;
  // Sum of e^(logit - max).
  float exponentials;
};

template <typename T>
class CrossEntropyOp : public tensorflow::OpKernel {
  using Element = s2s::Storage<T>;

  struct Arguments {
    int64_t positions;
    int64_t vocab;
    MatrixView<const Element> logits;
    const float* bias;
    const int32_t* labels;
    const float* weights;
    MatrixView<Element> d_logits;
    float* d_bias;
  };

 public:
  explicit CrossEntropyOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("label_smoothing", &smoothing_));
  }

  void Compute(OpKernelContext* context) override {
    // First of all, so that the variable is empty after a failure, too.
    Tensor logits;
    OP_REQUIRES_OK(context, TakeLogits(context, &logits));
    OP_REQUIRES_OK(context, CheckInputs(context, logits));
    float* loss = nullptr;
    float* negative_log_likelihood = nullptr;
    float* correct = nullptr;
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 0, TensorShape({}), &loss));
    OP_REQUIRES_OK(
        context, s2s::AllocateOutput<float>(context, 1, TensorShape({}), &negative_log_likelihood));
    OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, 2, TensorShape({}), &correct));
    Arguments arguments;
    OP_REQUIRES_OK(context, Bind(context, logits, &arguments));

    Sums total;
    s2s::RunWithErrors(context, [&] { total = ComputeGradients(context, arguments); });
    *loss = static_cast<float>(total.loss);
    *negative_log_likelihood = static_cast<float>(total.negative_log_likelihood);
    *correct = static_cast<float>(total.correct);
  }

 private:
  // Moves the value out of the variable. In eager execution an input is never the only reference to
  // its memory, but the value of a variable can be.
  static absl::Status TakeLogits(OpKernelContext* context, Tensor* logits) {
    tensorflow::core::RefCountPtr<tensorflow::Var> variable;
    TF_RETURN_IF_ERROR(
        tensorflow::LookupResource(context, tensorflow::HandleFromInput(context, 0), &variable));
    tensorflow::mutex_lock lock(*variable->mu());
    if (!variable->is_initialized)
      return tensorflow::errors::FailedPrecondition("the variable holds no logits");
    *logits = std::move(*variable->tensor());
    variable->is_initialized = false;
    return s2s::CheckArgument(logits->dtype() == tensorflow::DataTypeToEnum<T>::value,
                              "the logits must have the type T");
  }

  static absl::Status CheckInputs(OpKernelContext* context, const Tensor& logits) {
    TF_RETURN_IF_ERROR(s2s::CheckArgument(logits.dims() == 2, "logits must be [positions, vocab]"));
    const int64_t positions = logits.dim_size(0);
    const int64_t vocab = logits.dim_size(1);
    TF_RETURN_IF_ERROR(
        s2s::CheckArgument(context->input(1).NumElements() == vocab, "bias must be [vocab]"));
    TF_RETURN_IF_ERROR(s2s::CheckArgument(context->input(2).NumElements() == positions &&
                                              context->input(3).NumElements() == positions,
                                          "labels and weights must be [positions]"));
    const int32_t* labels = s2s::InputData<int32_t>(context, 2);
    const bool are_tokens = std::all_of(labels, labels + positions,
                                        [&](int32_t label) { return label >= 0 && label < vocab; });
    return s2s::CheckArgument(are_tokens, "labels must be token ids from 0 to vocab - 1");
  }

  // Allocates the gradients.
  static absl::Status Bind(OpKernelContext* context, const Tensor& logits, Arguments* arguments) {
    const int64_t vocab = logits.dim_size(1);
    // In place: this is the largest tensor of a training step, and so it is neither stored twice
    // nor brought into the cache twice.
    if (logits.RefCountIsOne()) {
      context->set_output(3, logits);
    } else {
      Tensor* copy = nullptr;
      TF_RETURN_IF_ERROR(context->allocate_output(3, logits.shape(), &copy));
    }
    float* d_bias = nullptr;
    TF_RETURN_IF_ERROR(s2s::AllocateOutput<float>(context, 4, {vocab}, &d_bias));
    const T* logits_data = logits.flat<T>().data();
    T* d_logits_data = context->mutable_output(3)->flat<T>().data();
    *arguments = {logits.dim_size(0),
                  vocab,
                  {reinterpret_cast<const Element*>(logits_data), vocab},
                  s2s::InputData<float>(context, 1),
                  s2s::InputData<int32_t>(context, 2),
                  s2s::InputData<float>(context, 3),
                  {reinterpret_cast<Element*>(d_logits_data), vocab},
                  d_bias};
    return absl::OkStatus();
  }

  Sums ComputeGradients(OpKernelContext* context, const Arguments& arguments) const {
    const int64_t vocab = arguments.vocab;
    const int64_t blocks = s2s::CeilDiv(arguments.positions, kBlockPositions);
    std::vector<Sums> sums(blocks);
    static s2s::ScratchBuffer buffer;
    std::lock_guard<std::mutex> lock(s2s::SharedBufferMutex());
    // The gradient of the bias by block.
    const MatrixView<float> d_bias_blocks{buffer.Get<float>(std::max<int64_t>(1, blocks) * vocab),
                                          vocab};
    s2s::ParallelFor(context, blocks, [&](int64_t block) {
      float* d_bias = d_bias_blocks[block];
      std::fill_n(d_bias, vocab, 0.0f);
      const int64_t start = block * kBlockPositions;
      const int64_t end = std::min(arguments.positions, start + kBlockPositions);
      for (int64_t position = start; position < end; ++position)
        ComputeRow(arguments, position, d_bias, &sums[block]);
    });
    SumBiasGradients(context, d_bias_blocks, blocks, vocab, arguments.d_bias);
    Sums total;
    for (const Sums& block : sums) {
      total.loss += block.loss;
      total.negative_log_likelihood += block.negative_log_likelihood;
      total.correct += block.correct;
    }
    return total;
  }

  static void SumBiasGradients(OpKernelContext* context, const MatrixView<float>& blocks,
                               int64_t block_count, int64_t vocab, float* d_bias) {
    const int64_t parts = 4 * s2s::ThreadCount(context);
    s2s::ParallelFor(context, parts, [&](int64_t part) {
      const int64_t start = vocab * part / parts;
      const int64_t end = vocab * (part + 1) / parts;
      std::fill(d_bias + start, d_bias + end, 0.0f);
      for (int64_t block = 0; block < block_count; ++block) {
        const float* addend = blocks[block];
        for (int64_t token = start; token < end; ++token) d_bias[token] += addend[token];
      }
    });
  }

  void ComputeRow(const Arguments& arguments, int64_t position, float* d_bias, Sums* sums) const {
    const int64_t vocab = arguments.vocab;
    const Element* logits = arguments.logits[position];
    Element* d_logits = arguments.d_logits[position];
    const int32_t label = arguments.labels[position];
    const float weight = arguments.weights[position];
    if (weight == 0) {
      std::fill_n(d_logits, vocab, Element{0});
      return;
    }
    thread_local std::vector<float> row;
    row.resize(vocab);
    float* exponentials = row.data();
    float label_logit = 0;
    const RowStatistics statistics =
        Softmax(logits, arguments.bias, vocab, label, exponentials, &label_logit);
    const double log_sum = statistics.max + std::log(static_cast<double>(statistics.exponentials));
    const double label_loss = log_sum - label_logit;
    // Mean of the cross-entropies of all tokens, in the uniform part of the target distribution.
    const double uniform_loss = log_sum - static_cast<double>(statistics.sum) / vocab;
    sums->loss += weight * ((1.0 - smoothing_) * label_loss + smoothing_ * uniform_loss);
    sums->negative_log_likelihood += label_loss;
    if (label_logit == statistics.max && IsFirst(logits, arguments.bias, label, statistics.max))
      ++sums->correct;
    WriteGradient(exponentials, vocab, label, weight, statistics.exponentials, d_logits, d_bias);
  }

  // Writes e^(logit - max) of each token.
  static RowStatistics Softmax(const Element* logits, const float* bias, int64_t vocab,
                               int32_t label, float* exponentials, float* label_logit) {
    float max = -INFINITY;
    float sum = 0;
#pragma omp simd reduction(max : max) reduction(+ : sum)
    for (int64_t token = 0; token < vocab; ++token) {
      const float logit = s2s::ToFloat(logits[token]) + bias[token];
      exponentials[token] = logit;
      max = std::max(max, logit);
      sum += logit;
    }
    *label_logit = exponentials[label];
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t token = 0; token < vocab; ++token) {
      exponentials[token] = s2s::Exp(exponentials[token] - max);
      total += exponentials[token];
    }
    return {max, sum, total};
  }

  // Whether no token before the label has the maximum, too: like argmax, the first one counts.
  static bool IsFirst(const Element* logits, const float* bias, int32_t label, float max) {
    for (int64_t token = 0; token < label; ++token) {
      if (s2s::ToFloat(logits[token]) + bias[token] == max) return false;
    }
    return true;
  }

  // The gradient is weight * (softmax - target): each token's target is smoothing / vocab, to which
  // the label adds 1 - smoothing.
  void WriteGradient(const float* exponentials, int64_t vocab, int32_t label, float weight,
                     float sum, Element* d_logits, float* d_bias) const {
    const float scale = weight / sum;
    const float uniform = weight * smoothing_ / vocab;
    const float at_label = scale * exponentials[label] - uniform - weight * (1.0f - smoothing_);
#pragma omp simd
    for (int64_t token = 0; token < vocab; ++token) {
      const float value = scale * exponentials[token] - uniform;
      d_logits[token] = s2s::FromFloat<Element>(value);
      d_bias[token] += value;
    }
    d_bias[label] += at_label - (scale * exponentials[label] - uniform);
    d_logits[label] = s2s::FromFloat<Element>(at_label);
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
