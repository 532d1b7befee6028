// S2sAttention and S2sAttentionGrad: attention by dot products. The queries of one sentence are one
// piece of work, all of it in the caches of a core.
#include <algorithm>
#include <cmath>

#include "numbers.h"
#include "parallel.h"
#include "row_products.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using s2s::Combine;
using s2s::Dots;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sAttention")
    .Input("queries: float")
    .Input("keys: float")
    .Input("values: float")
    .Input("mask: float")
    .Input("beside: float")
    .Output("joined: float")
    .Output("weights: float")
    .Doc(
        "queries [batch, queries, size], keys [batch, time, size], values [batch, time, width] and "
        "a mask [batch, time], 0 at padding: weights [batch, queries, time], the softmax of the "
        "products with the keys over real positions, and the means of the values with these "
        "weights, each followed by its row of beside [batch, queries, more]: joined [batch * "
        "queries, width + more].");

REGISTER_OP("S2sAttentionGrad")
    .Input("queries: float")
    .Input("keys: float")
    .Input("values: float")
    .Input("weights: float")
    .Input("d_joined: float")
    .Input("d_weights: float")
    .Output("d_queries: float")
    .Output("d_keys: float")
    .Output("d_values: float")
    .Output("d_beside: float")
    .Doc("The gradients of what S2sAttention was given, from those of what it gave.");

namespace {

// Number of sentences, and the sizes of each.
struct Sizes {
  int64_t batch, queries, time, size, width;
};

const float* Data(OpKernelContext* context, int input) {
  return context->input(input).flat<float>().data();
}

// In place; minus infinity becomes exactly 0, also where there is nothing else.
void Softmax(float* scores, int64_t count) {
  if (count == 0) return;
  const float largest = *std::max_element(scores, scores + count);
  float sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    scores[i] = scores[i] == -INFINITY ? 0.0f : s2s::Exp(scores[i] - largest);
    sum += scores[i];
  }
  for (int64_t i = 0; sum > 0 && i < count; ++i) scores[i] /= sum;
}

// Checks the inputs that both ops begin with.
class AttentionOpBase : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor &queries = context->input(0), &keys = context->input(1),
                 &values = context->input(2);
    const bool fit =
        queries.dims() == 3 && keys.dims() == 3 && values.dims() == 3 &&
        keys.dim_size(0) == queries.dim_size(0) && values.dim_size(0) == queries.dim_size(0) &&
        values.dim_size(1) == keys.dim_size(1) && keys.dim_size(2) == queries.dim_size(2);
    OP_REQUIRES(
        context, fit,
        tensorflow::errors::InvalidArgument("queries, keys and values do not fit together"));
    s2s::Guard(context, [&] {
      Attend(context, {queries.dim_size(0), queries.dim_size(1), keys.dim_size(1),
                       queries.dim_size(2), values.dim_size(2)});
    });
  }

 protected:
  virtual void Attend(OpKernelContext* context, const Sizes& sizes) = 0;
};

class AttentionOp : public AttentionOpBase {
 public:
  using AttentionOpBase::AttentionOpBase;

 protected:
  void Attend(OpKernelContext* context, const Sizes& sizes) override {
    const int64_t batch = sizes.batch, count = sizes.queries, time = sizes.time, size = sizes.size,
                  width = sizes.width;
    const Tensor &mask = context->input(3), &beside = context->input(4);
    const bool fit = mask.dims() == 2 && mask.dim_size(0) == batch && mask.dim_size(1) == time &&
                     beside.dims() == 3 && beside.dim_size(0) == batch &&
                     beside.dim_size(1) == count;
    OP_REQUIRES(context, fit, tensorflow::errors::InvalidArgument("mask or beside does not fit"));
    const int64_t more = beside.dim_size(2), columns = width + more;
    Tensor *joined = nullptr, *weights = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {batch * count, columns}, &joined));
    OP_REQUIRES_OK(context, context->allocate_output(1, {batch, count, time}, &weights));
    const float *queries = Data(context, 0), *keys = Data(context, 1), *values = Data(context, 2),
                *real = Data(context, 3), *added = Data(context, 4);
    float *to = joined->flat<float>().data(), *all = weights->flat<float>().data();
    s2s::ForEach(context, static_cast<int>(batch), [&](int sentence) {
      float *scores = all + sentence * count * time, *rows = to + sentence * count * columns;
      Dots({queries + sentence * count * size, size}, count, {keys + sentence * time * size, size},
           time, size, scores, time);
      for (int64_t query = 0; query < count; ++query) {
        for (int64_t step = 0; step < time; ++step) {
          if (real[sentence * time + step] == 0) scores[query * time + step] = -INFINITY;
        }
        Softmax(scores + query * time, time);
      }
      Combine({scores, time, 1}, {values + sentence * time * width, width}, time, width, rows,
              columns, count);
      for (int64_t query = 0; query < count; ++query)
        std::copy_n(added + (sentence * count + query) * more, more,
                    rows + query * columns + width);
    });
  }
};

class AttentionGradOp : public AttentionOpBase {
 public:
  using AttentionOpBase::AttentionOpBase;

 protected:
  void Attend(OpKernelContext* context, const Sizes& sizes) override {
    const int64_t batch = sizes.batch, count = sizes.queries, time = sizes.time, size = sizes.size,
                  width = sizes.width;
    const Tensor &weights = context->input(3), &d_joined = context->input(4),
                 &d_weights = context->input(5);
    const tensorflow::TensorShape of_weights({batch, count, time});
    const bool fit = weights.shape() == of_weights && d_weights.shape() == of_weights &&
                     d_joined.dims() == 2 && d_joined.dim_size(0) == batch * count &&
                     d_joined.dim_size(1) >= width;
    OP_REQUIRES(context, fit,
                tensorflow::errors::InvalidArgument("the weights or a gradient does not fit"));
    const int64_t columns = d_joined.dim_size(1), more = columns - width;
    Tensor *d_queries = nullptr, *d_keys = nullptr, *d_values = nullptr, *d_beside = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, context->input(0).shape(), &d_queries));
    OP_REQUIRES_OK(context, context->allocate_output(1, context->input(1).shape(), &d_keys));
    OP_REQUIRES_OK(context, context->allocate_output(2, context->input(2).shape(), &d_values));
    OP_REQUIRES_OK(context, context->allocate_output(3, {batch, count, more}, &d_beside));
    const float *queries = Data(context, 0), *keys = Data(context, 1), *values = Data(context, 2),
                *all = Data(context, 3), *of_joined = Data(context, 4), *of_all = Data(context, 5);
    float *to_queries = d_queries->flat<float>().data(), *to_keys = d_keys->flat<float>().data(),
          *to_values = d_values->flat<float>().data(), *to_beside = d_beside->flat<float>().data();
    s2s::ForEach(context, static_cast<int>(batch), [&](int sentence) {
      thread_local s2s::Buffer buffer;
      float* d_scores = buffer.Get<float>(count * time);
      const float *given = all + sentence * count * time,
                  *d_given = of_all + sentence * count * time;
      const s2s::Rows d_rows{of_joined + sentence * count * columns, columns};
      Dots(d_rows, count, {values + sentence * time * width, width}, time, width, d_scores, time);
      for (int64_t query = 0; query < count; ++query)
        SoftmaxGradient(given + query * time, d_given + query * time, time,
                        d_scores + query * time);
      const s2s::Weights by_query{d_scores, time, 1}, by_step{d_scores, 1, time};
      Combine(by_query, {keys + sentence * time * size, size}, time, size,
              to_queries + sentence * count * size, size, count);
      Combine(by_step, {queries + sentence * count * size, size}, count, size,
              to_keys + sentence * time * size, size, time);
      Combine({given, 1, time}, d_rows, count, width, to_values + sentence * time * width, width,
              time);
      for (int64_t query = 0; query < count; ++query)
        std::copy_n(d_rows[query] + width, more, to_beside + (sentence * count + query) * more);
    });
  }

 private:
  // In place: from the gradients of the weights by their use, and those given beside, to those of
  // the scores.
  static void SoftmaxGradient(const float* weights, const float* beside, int64_t count,
                              float* gradients) {
    float mean = 0;
    for (int64_t i = 0; i < count; ++i) {
      gradients[i] += beside[i];
      mean += weights[i] * gradients[i];
    }
    for (int64_t i = 0; i < count; ++i) gradients[i] = weights[i] * (gradients[i] - mean);
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sAttention").Device(tensorflow::DEVICE_CPU), AttentionOp);
REGISTER_KERNEL_BUILDER(Name("S2sAttentionGrad").Device(tensorflow::DEVICE_CPU), AttentionGradOp);

}  // namespace
