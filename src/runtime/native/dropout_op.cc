// S2sDropout: inverted dropout (Srivastava et al. 2014). The mask is that of TensorFlow's
// StatelessRandomUniform (version 1) for the same seeds; it is generated in registers and never
// stored.
//
// input [...] and seeds [2] to output [...].
#include <algorithm>
#include <cmath>
#include <cstring>

#include "op_tensors.h"
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
        "0 where the element's uniform random number in [0, 1) is less than rate, otherwise input "
        "/ (1 - rate).");

namespace {

// Counters that are processed in parallel.
constexpr int kLanes = 16;
// Random numbers for one counter.
constexpr int kNumbersPerCounter = 4;
constexpr int kNumbers = kLanes * kNumbersPerCounter;
constexpr int64_t kBlockElements = 1 << 15;

struct RandomState {
  PhiloxRandom::Key key;
  // The first two of the four words start at 0: they number the counters.
  PhiloxRandom::ResultType counter;
};

// The state that StatelessRandomUniform derives from its seeds (GenerateKey in
// tensorflow/core/kernels/stateless_random_ops.cc).
RandomState StateFromSeeds(uint64_t first_seed, uint64_t second_seed) {
  RandomState state;
  state.key[0] = 0x3ec8f720;
  state.key[1] = 0x02461e29;
  state.counter[0] = static_cast<uint32_t>(first_seed);
  state.counter[1] = static_cast<uint32_t>(first_seed >> 32);
  state.counter[2] = static_cast<uint32_t>(second_seed);
  state.counter[3] = static_cast<uint32_t>(second_seed >> 32);
  const auto mixed = PhiloxRandom(state.counter, state.key)();
  state.key[0] = mixed[0];
  state.key[1] = mixed[1];
  state.counter[2] = mixed[2];
  state.counter[3] = mixed[3];
  return state;
}

// The Philox 4x32-10 generator (Salmon et al. 2011) for counters start ... start + kLanes - 1.
// words[2 * lane] holds the first two numbers of a counter, the first one in the lower half, and
// words[2 * lane + 1] the last two.
//
// A lane computes all rounds on 32-bit numbers in 64-bit variables: the compiler then keeps all
// lanes in vector registers.
void Philox(const RandomState& state, uint64_t start, uint64_t words[2 * kLanes]) {
  const uint64_t counter2 = state.counter[2];
  const uint64_t counter3 = state.counter[3];
  const uint32_t key0 = state.key[0];
  const uint32_t key1 = state.key[1];
#pragma omp simd
  for (int lane = 0; lane < kLanes; ++lane) {
    const uint64_t number = start + lane;
    uint64_t c0 = static_cast<uint32_t>(number);
    uint64_t c1 = number >> 32;
    uint64_t c2 = counter2;
    uint64_t c3 = counter3;
    uint32_t k0 = key0;
    uint32_t k1 = key1;
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53} * c0;
      const uint64_t b = uint64_t{0xCD9E8D57} * c2;
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
                tensorflow::errors::InvalidArgument("rate must be at least 0 and less than 1"));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& input = context->input(0);
    const Tensor& seeds = context->input(1);
    OP_REQUIRES(context, seeds.NumElements() == 2,
                tensorflow::errors::InvalidArgument("seeds must be [2]"));
    Tensor* output = nullptr;
    OP_REQUIRES_OK(context,
                   context->forward_input_or_allocate_output({0}, 0, input.shape(), &output));
    const auto seed = [&](int index) { return static_cast<int64_t>(seeds.flat<int32_t>()(index)); };
    const RandomState state = StateFromSeeds(seed(0), seed(1));
    const float* from = input.flat<float>().data();
    float* to = output->flat<float>().data();
    s2s::ParallelForBlocks(
        context, input.NumElements(), kBlockElements,
        [&](int64_t start, int64_t end) { DropoutBlock(state, from, to, start, end); });
  }

 private:
  // `start` is a multiple of kNumbersPerCounter.
  void DropoutBlock(const RandomState& state, const float* from, float* to, int64_t start,
                    int64_t end) const {
    const float scale = 1.0f / (1.0f - rate_);
    // TensorFlow's uniform numbers are 23 random bits times 2^-23: the comparison with the rate is
    // made on the bits.
    const auto threshold = static_cast<uint32_t>(std::ceil(rate_ * (1 << 23)));
    uint64_t words[2 * kLanes];
    uint32_t numbers[kNumbers];
    for (int64_t element = start; element < end; element += kNumbers) {
      Philox(state, element / kNumbersPerCounter, words);
      std::memcpy(numbers, words, sizeof(words));
      const int64_t count = std::min<int64_t>(kNumbers, end - element);
      const float* input = from + element;
      float* output = to + element;
#pragma omp simd
      for (int64_t i = 0; i < count; ++i) {
        const float kept = input[i] * scale;
        output[i] = (numbers[i] & 0x7fffff) < threshold ? 0.0f : kept;
      }
    }
  }

  float rate_;
};

REGISTER_KERNEL_BUILDER(Name("S2sDropout").Device(tensorflow::DEVICE_CPU), DropoutOp);

}  // namespace
