// S2sDropout: inverted dropout with the very mask that TensorFlow's StatelessRandomUniform (its first version) gives for the
// same seeds, made sixteen numbers at a time and never stored.
#include <algorithm>

#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/lib/random/philox_random.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::random::PhiloxRandom;

REGISTER_OP("S2sDropout")
    .Input("input: float")
    .Input("seeds: int32")
    .Output("output: float")
    .Attr("rate: float")
    .Doc("Where the uniform number in [0, 1) of an element is less than rate, zero, else input / (1 - rate).");

namespace {

// Counters that go through the generator side by side; each gives four numbers.
constexpr int kLanes = 16;
// Elements in one piece of work.
constexpr int64_t kElements = 1 << 15;

// The Philox 4x32-10 generator (Salmon et al. 2011) for counters start, start + 1, ...: result[i][lane] is number i of
// counter start + lane.
//
// The numbers have 32 bits, but are kept in 64, as the processor's vector instructions multiply them.
void Philox(const PhiloxRandom::Key& key, const PhiloxRandom::ResultType& counter, uint64_t start, uint64_t result[4][kLanes]) {
  uint64_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  // The first half of the counter starts at zero, so that it is the number of the block alone.
  for (int lane = 0; lane < kLanes; ++lane) {
    const uint64_t block = start + lane;
    c0[lane] = static_cast<uint32_t>(block);
    c1[lane] = static_cast<uint32_t>(block >> 32);
    c2[lane] = counter[2];
    c3[lane] = counter[3];
  }
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; ++round) {
#pragma omp simd
    for (int lane = 0; lane < kLanes; ++lane) {
      const uint64_t a = uint64_t{0xD2511F53} * static_cast<uint32_t>(c0[lane]), b = uint64_t{0xCD9E8D57} * static_cast<uint32_t>(c2[lane]);
      const uint64_t x = (b >> 32) ^ c1[lane] ^ k0, z = (a >> 32) ^ c3[lane] ^ k1;
      c1[lane] = static_cast<uint32_t>(b);
      c3[lane] = static_cast<uint32_t>(a);
      c0[lane] = x;
      c2[lane] = z;
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  std::copy_n(c0, kLanes, result[0]);
  std::copy_n(c1, kLanes, result[1]);
  std::copy_n(c2, kLanes, result[2]);
  std::copy_n(c3, kLanes, result[3]);
}

class DropoutOp : public tensorflow::OpKernel {
 public:
  explicit DropoutOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("rate", &rate_));
    OP_REQUIRES(context, rate_ >= 0 && rate_ < 1, tensorflow::errors::InvalidArgument("rate must be from 0 to less than 1"));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &input = context->input(0), &seeds = context->input(1);
    OP_REQUIRES(context, seeds.NumElements() == 2, tensorflow::errors::InvalidArgument("there must be two seeds"));
    Tensor* output = nullptr;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, input.shape(), &output));
    // How StatelessRandomUniform makes key and counter of its seeds (stateless_random_ops.cc, GenerateKey).
    const uint64_t first = static_cast<int64_t>(seeds.flat<int32_t>()(0)), second = static_cast<int64_t>(seeds.flat<int32_t>()(1));
    PhiloxRandom::Key key;
    key[0] = 0x3ec8f720;
    key[1] = 0x02461e29;
    PhiloxRandom::ResultType counter;
    counter[0] = static_cast<uint32_t>(first);
    counter[1] = static_cast<uint32_t>(first >> 32);
    counter[2] = static_cast<uint32_t>(second);
    counter[3] = static_cast<uint32_t>(second >> 32);
    const auto mixed = PhiloxRandom(counter, key)();
    key[0] = mixed[0];
    key[1] = mixed[1];
    counter[2] = mixed[2];
    counter[3] = mixed[3];

    const float* from = input.flat<float>().data();
    float* to = output->flat<float>().data();
    const int64_t count = input.NumElements();
    const float keep = 1.0f / (1.0f - rate_);
    // The uniform numbers are 23 bits times 2^-23, as TensorFlow makes them.
    const float limit = rate_ * (1 << 23);
    s2s::ForEach(context, static_cast<int>((count + kElements - 1) / kElements), [&](int piece) {
      const int64_t end = std::min(count, (piece + 1) * kElements);
      uint64_t bits[4][kLanes];
      float factors[4 * kLanes];
      for (int64_t at = piece * kElements; at < end; at += 4 * kLanes) {
        Philox(key, counter, at / 4, bits);
        for (int lane = 0; lane < kLanes; ++lane) {
          for (int i = 0; i < 4; ++i) factors[4 * lane + i] = static_cast<float>(static_cast<int32_t>(bits[i][lane] & 0x7fffff));
        }
        const int64_t here = std::min<int64_t>(4 * kLanes, end - at);
        for (int64_t i = 0; i < here; ++i) to[at + i] = factors[i] < limit ? 0.0f : from[at + i] * keep;
      }
    });
  }

 private:
  float rate_;
};

REGISTER_KERNEL_BUILDER(Name("S2sDropout").Device(tensorflow::DEVICE_CPU), DropoutOp);

}  // namespace
