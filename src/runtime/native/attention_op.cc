// S2sAttention and S2sAttentionGrad: dot-product attention (Luong et al. 2015, section 3.1). The
// context of each query is concatenated with further features, usually the query, so that the
// layer after it reads one matrix. Threads share the sentences: all the data of one stays in the
// caches of a core.
//
// S2sAttention: queries [batch, queries, size], keys [batch, time, size], values [batch, time,
// width], mask [batch, time] and features [batch, queries, features] to attended [batch * queries,
// width + features] and weights [batch, queries, time].
// S2sAttentionGrad: queries, keys, values, weights and the gradients of attended and of weights to
// the gradients of queries, keys, values and features.
#include <algorithm>
#include <cmath>

#include "matrix_view.h"
#include "op_tensors.h"
#include "parallel.h"
#include "small_matmul.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "vector_math.h"

using s2s::BatchView;
using s2s::DotProducts;
using s2s::InputData;
using s2s::MatrixView;
using s2s::RowMajor;
using s2s::TransposeOf;
using s2s::WeightedSums;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

REGISTER_OP("S2sAttention")
    .Input("queries: float")
    .Input("keys: float")
    .Input("values: float")
    .Input("mask: float")
    .Input("features: float")
    .Output("attended: float")
    .Output("weights: float")
    .Doc(
        "weights [batch, queries, time]: the softmax of the dot products of queries [batch, "
        "queries, size] and keys [batch, time, size] over the positions where mask [batch, time] "
        "is not 0. attended [batch * queries, width + features]: the means of values [batch, time, "
        "width] with these weights, concatenated with features [batch, queries, features].");

REGISTER_OP("S2sAttentionGrad")
    .Input("queries: float")
    .Input("keys: float")
    .Input("values: float")
    .Input("weights: float")
    .Input("d_attended: float")
    .Input("d_weights: float")
    .Output("d_queries: float")
    .Output("d_keys: float")
    .Output("d_values: float")
    .Output("d_features: float")
    .Doc("The gradients of the inputs of S2sAttention, from those of its outputs.");

namespace {

struct AttentionSizes {
  int64_t batch;
  int64_t queries;
  int64_t time;
  int64_t size;
  int64_t width;
};

// In place. A score of minus infinity becomes exactly 0, also if there are no others.
void Softmax(float* scores, int64_t count) {
  if (count == 0) return;
  const float max = *std::max_element(scores, scores + count);
  float sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    scores[i] = scores[i] == -INFINITY ? 0.0f : s2s::Exp(scores[i] - max);
    sum += scores[i];
  }
  for (int64_t i = 0; sum > 0 && i < count; ++i) scores[i] /= sum;
}

// Turns the gradients of the weights by their use in the means into those of the scores, in place;
// `d_weights` are the gradients by any other use.
void SoftmaxGradient(const float* weights, const float* d_weights, int64_t count,
                     float* gradients) {
  float mean = 0;
  for (int64_t i = 0; i < count; ++i) {
    gradients[i] += d_weights[i];
    mean += weights[i] * gradients[i];
  }
  for (int64_t i = 0; i < count; ++i) gradients[i] = weights[i] * (gradients[i] - mean);
}

// Checks the inputs that both ops begin with.
class AttentionOpBase : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor& queries = context->input(0);
    const Tensor& keys = context->input(1);
    const Tensor& values = context->input(2);
    const bool is_valid =
        queries.dims() == 3 && keys.dims() == 3 && values.dims() == 3 &&
        keys.dim_size(0) == queries.dim_size(0) && values.dim_size(0) == queries.dim_size(0) &&
        values.dim_size(1) == keys.dim_size(1) && keys.dim_size(2) == queries.dim_size(2);
    OP_REQUIRES(context, is_valid,
                tensorflow::errors::InvalidArgument(
                    "queries must be [batch, queries, size], keys [batch, time, size] and values "
                    "[batch, time, width]"));
    const AttentionSizes sizes{queries.dim_size(0), queries.dim_size(1), keys.dim_size(1),
                               queries.dim_size(2), values.dim_size(2)};
    s2s::RunWithErrors(context, [&] { Attend(context, sizes); });
  }

 protected:
  virtual void Attend(OpKernelContext* context, const AttentionSizes& sizes) = 0;
};

class AttentionOp : public AttentionOpBase {
 public:
  using AttentionOpBase::AttentionOpBase;

 protected:
  void Attend(OpKernelContext* context, const AttentionSizes& sizes) override {
    const int64_t batch = sizes.batch;
    const int64_t queries = sizes.queries;
    const int64_t time = sizes.time;
    const int64_t size = sizes.size;
    const int64_t width = sizes.width;
    const Tensor& features = context->input(4);
    OP_REQUIRES_OK(context, s2s::CheckShape(context, 3, TensorShape({batch, time}),
                                            "mask must be [batch, time]"));
    OP_REQUIRES(
        context,
        features.dims() == 3 && features.dim_size(0) == batch && features.dim_size(1) == queries,
        tensorflow::errors::InvalidArgument("features must be [batch, queries, features]"));
    const int64_t feature_count = features.dim_size(2);
    const int64_t columns = width + feature_count;
    float* attended = nullptr;
    float* weights = nullptr;
    OP_REQUIRES_OK(context,
                   s2s::AllocateOutput<float>(context, 0, {batch * queries, columns}, &attended));
    OP_REQUIRES_OK(context,
                   s2s::AllocateOutput<float>(context, 1, {batch, queries, time}, &weights));
    const BatchView<const float> all_queries{InputData<float>(context, 0), queries, size};
    const BatchView<const float> all_keys{InputData<float>(context, 1), time, size};
    const BatchView<const float> all_values{InputData<float>(context, 2), time, width};
    const MatrixView<const float> masks{InputData<float>(context, 3), time};
    const BatchView<const float> all_features{InputData<float>(context, 4), queries, feature_count};
    const BatchView<float> all_attended{attended, queries, columns};
    const BatchView<float> all_weights{weights, queries, time};
    s2s::ParallelFor(context, batch, [&](int64_t sentence) {
      const MatrixView<float> scores = all_weights[sentence];
      const MatrixView<float> result = all_attended[sentence];
      DotProducts(all_queries[sentence], queries, all_keys[sentence], time, size, scores);
      for (int64_t query = 0; query < queries; ++query)
        MaskedSoftmax(scores[query], masks[sentence], time);
      WeightedSums(RowMajor(scores.data, time), all_values[sentence], time, width, result, queries);
      for (int64_t query = 0; query < queries; ++query)
        std::copy_n(all_features[sentence][query], feature_count, result[query] + width);
    });
  }

 private:
  static void MaskedSoftmax(float* scores, const float* mask, int64_t time) {
    for (int64_t step = 0; step < time; ++step) {
      if (mask[step] == 0) scores[step] = -INFINITY;
    }
    Softmax(scores, time);
  }
};

class AttentionGradOp : public AttentionOpBase {
 public:
  using AttentionOpBase::AttentionOpBase;

 protected:
  void Attend(OpKernelContext* context, const AttentionSizes& sizes) override {
    const Tensor& d_attended = context->input(4);
    const TensorShape weights_shape({sizes.batch, sizes.queries, sizes.time});
    for (int input : {3, 5}) {
      OP_REQUIRES_OK(context,
                     s2s::CheckShape(context, input, weights_shape,
                                     "weights and d_weights must be [batch, queries, time]"));
    }
    OP_REQUIRES(context,
                d_attended.dims() == 2 && d_attended.dim_size(0) == sizes.batch * sizes.queries &&
                    d_attended.dim_size(1) >= sizes.width,
                tensorflow::errors::InvalidArgument(
                    "d_attended must be [batch * queries, width + features]"));
    Gradients gradients;
    OP_REQUIRES_OK(context, AllocateGradients(context, sizes, &gradients));
    s2s::ParallelFor(context, sizes.batch, [&](int64_t sentence) {
      SentenceGradient(context, sizes, sentence, gradients);
    });
  }

 private:
  struct Gradients {
    BatchView<float> queries;
    BatchView<float> keys;
    BatchView<float> values;
    BatchView<float> features;
  };

  static absl::Status AllocateGradients(OpKernelContext* context, const AttentionSizes& sizes,
                                        Gradients* gradients) {
    const int64_t features = context->input(4).dim_size(1) - sizes.width;
    *gradients = {{nullptr, sizes.queries, sizes.size},
                  {nullptr, sizes.time, sizes.size},
                  {nullptr, sizes.time, sizes.width},
                  {nullptr, sizes.queries, features}};
    int output = 0;
    for (BatchView<float>* gradient :
         {&gradients->queries, &gradients->keys, &gradients->values, &gradients->features}) {
      const TensorShape shape({sizes.batch, gradient->rows, gradient->columns});
      TF_RETURN_IF_ERROR(s2s::AllocateOutput<float>(context, output++, shape, &gradient->data));
    }
    return absl::OkStatus();
  }

  static void SentenceGradient(OpKernelContext* context, const AttentionSizes& sizes,
                               int64_t sentence, const Gradients& gradients) {
    thread_local s2s::ScratchBuffer buffer;
    const auto matrix = [&](int input, int64_t rows, int64_t columns) {
      return BatchView<const float>{InputData<float>(context, input), rows, columns}[sentence];
    };
    const int64_t features = gradients.features.columns;
    const auto queries = matrix(0, sizes.queries, sizes.size);
    const auto keys = matrix(1, sizes.time, sizes.size);
    const auto values = matrix(2, sizes.time, sizes.width);
    const auto weights = matrix(3, sizes.queries, sizes.time);
    const auto d_attended = matrix(4, sizes.queries, sizes.width + features);
    const auto d_weights = matrix(5, sizes.queries, sizes.time);
    const MatrixView<float> d_scores{buffer.Get<float>(sizes.queries * sizes.time), sizes.time};

    DotProducts(d_attended, sizes.queries, values, sizes.time, sizes.width, d_scores);
    for (int64_t query = 0; query < sizes.queries; ++query)
      SoftmaxGradient(weights[query], d_weights[query], sizes.time, d_scores[query]);
    WeightedSums(RowMajor(d_scores.data, sizes.time), keys, sizes.time, sizes.size,
                 gradients.queries[sentence], sizes.queries);
    WeightedSums(TransposeOf(d_scores.data, sizes.time), queries, sizes.queries, sizes.size,
                 gradients.keys[sentence], sizes.time);
    WeightedSums(TransposeOf(weights.data, sizes.time), d_attended, sizes.queries, sizes.width,
                 gradients.values[sentence], sizes.time);
    for (int64_t query = 0; query < sizes.queries; ++query)
      std::copy_n(d_attended[query] + sizes.width, features, gradients.features[sentence][query]);
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sAttention").Device(tensorflow::DEVICE_CPU), AttentionOp);
REGISTER_KERNEL_BUILDER(Name("S2sAttentionGrad").Device(tensorflow::DEVICE_CPU), AttentionGradOp);

}  // namespace
