// S2sDropout: inverted dropout with the very mask that TensorFlow's StatelessRandomUniform (its
// first version) gives for the same seeds, made sixteen numbers at a time and never stored.
#include <algorithm>
#include <cmath>
#include <cstring>

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
    .Doc(
        "Where the uniform number in [0, 1) of an element is less than rate, zero, else input / (1 "
        "- rate).");

namespace {

// Counters that go through the generator side by side; each gives four numbers.
constexpr int kLanes = 16;
// Elements in one piece of work.
constexpr int64_t kElements = 1 << 15;

// The Philox 4x32-10 generator (Salmon et al. 2011) for counters start, start + 1, ...: words[2 *
// lane] holds the first two numbers of counter start + lane, the lower half first, and words[2 *
// lane + 1] the last two.
//
// A lane goes through all rounds by itself, in 64 bits for numbers of 32, so that the compiler
// keeps all lanes in vector registers.
void Philox(const PhiloxRandom::Key& key, const PhiloxRandom::ResultType& counter, uint64_t start,
            uint64_t words[2 * kLanes]) {
  const uint64_t second = counter[2], third = counter[3];
  const uint32_t first_key = key[0], second_key = key[1];
#pragma omp simd
  for (int lane = 0; lane < kLanes; ++lane) {
    // The first half of the counter starts at zero, so that it is the number of the block alone.
    const uint64_t block = start + lane;
    uint64_t c0 = static_cast<uint32_t>(block), c1 = block >> 32, c2 = second, c3 = third;
    uint32_t k0 = first_key, k1 = second_key;
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53} * c0, b = uint64_t{0xCD9E8D57} * c2;
      c0 = (b >> 32) ^ c1 ^ k0;
      c2 = (a >> 32) ^ c3 ^ k1;
      c1 = static_cast<uint32_t>(b);
      c3 = static_cast<uint32_t>(a);
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    words[2 * lane] = c0 | c1 << 32;
    words[2 * lane + 1] = c2 | c3 << 32;
  }
}

class DropoutOp : public tensorflow::OpKernel {
 public:
  explicit DropoutOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("rate", &rate_));
    OP_REQUIRES(context, rate_ >= 0 && rate_ < 1,
                tensorflow::errors::InvalidArgument("rate must be from 0 to less than 1"));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &input = context->input(0), &seeds = context->input(1);
    OP_REQUIRES(context, seeds.NumElements() == 2,
                tensorflow::errors::InvalidArgument("there must be two seeds"));
    Tensor* output = nullptr;
    OP_REQUIRES_OK(context,
                   context->forward_input_or_allocate_output({0}, 0, input.shape(), &output));
    // How StatelessRandomUniform makes key and counter of its seeds (stateless_random_ops.cc,
    // GenerateKey).
    const uint64_t first = static_cast<int64_t>(seeds.flat<int32_t>()(0)),
                   second = static_cast<int64_t>(seeds.flat<int32_t>()(1));
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
    // The uniform numbers are 23 bits times 2^-23, as TensorFlow makes them: less than the rate are
    // those of less than this.
    const auto limit = static_cast<uint32_t>(std::ceil(rate_ * (1 << 23)));
    s2s::ForEachPiece(context, count, kElements, [&](int64_t start, int64_t end) {
      uint64_t words[2 * kLanes];
      uint32_t numbers[4 * kLanes];
      for (int64_t at = start; at < end; at += 4 * kLanes) {
        Philox(key, counter, at / 4, words);
        std::memcpy(numbers, words, sizeof(words));
        const int64_t here = std::min<int64_t>(4 * kLanes, end - at);
#pragma omp simd
        for (int64_t i = 0; i < here; ++i) {
          const float kept = from[at + i] * keep;
          to[at + i] = (numbers[i] & 0x7fffff) < limit ? 0.0f : kept;
        }
      }
    });
  }

 private:
  float rate_;
};

REGISTER_KERNEL_BUILDER(Name("S2sDropout").Device(tensorflow::DEVICE_CPU), DropoutOp);

}  // namespace
