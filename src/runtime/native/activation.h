// Activation functions of feed-forward layers, applied to rows.
#ifndef S2S_ACTIVATION_H_
#define S2S_ACTIVATION_H_

#include <cstdint>
#include <string>
#include <type_traits>

#include "op_tensors.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "vector_math.h"

namespace s2s {

enum class Activation { kNone, kRelu, kGelu, kSwish, kTanh };

// The attribute `activation` of an op.
inline absl::Status GetActivation(tensorflow::OpKernelConstruction* context,
                                  Activation* activation) {
  std::string name;
  TF_RETURN_IF_ERROR(context->GetAttr("activation", &name));
  constexpr const char* kNames[] = {"none", "relu", "gelu", "swish", "tanh"};
  for (int index = 0; index < 5; ++index) {
    if (name == kNames[index]) {
      *activation = static_cast<Activation>(index);
      return absl::OkStatus();
    }
  }
  return tensorflow::errors::InvalidArgument("there is no activation ", name);
}

// Whether the gradient needs the input of the activation; otherwise its result is enough.
inline bool GradientNeedsInput(Activation activation) {
  return activation == Activation::kGelu || activation == Activation::kSwish;
}

template <Activation kActivation>
inline float ActivationValue(float x) {
  if constexpr (kActivation == Activation::kRelu) return x > 0 ? x : 0.0f;
  if constexpr (kActivation == Activation::kGelu)
    return 0.5f * x * (1.0f + Erf(x * 0.70710678118654752f));
  if constexpr (kActivation == Activation::kSwish) return x * Sigmoid(x);
  if constexpr (kActivation == Activation::kTanh) return Tanh(x);
  return x;
}

// The derivative: of the input for GradientNeedsInput, otherwise of the result.
template <Activation kActivation>
inline float ActivationDerivative(float x) {
  if constexpr (kActivation == Activation::kRelu) return x > 0 ? 1.0f : 0.0f;
  if constexpr (kActivation == Activation::kGelu)
    return 0.5f * (1.0f + Erf(x * 0.70710678118654752f)) +
           x * 0.39894228040143268f * Exp(-0.5f * x * x);
  if constexpr (kActivation == Activation::kSwish) {
    const float sigmoid = Sigmoid(x);
    return sigmoid * (1.0f + x * (1.0f - sigmoid));
  }
  if constexpr (kActivation == Activation::kTanh) return 1.0f - x * x;
  return 1.0f;
}

// Calls work with the activation as a compile-time constant, so that loops contain no branches:
// work(std::integral_constant<Activation, ...>()).
template <typename Work>
inline void WithActivation(Activation activation, const Work& work) {
  switch (activation) {
    case Activation::kNone:
      return work(std::integral_constant<Activation, Activation::kNone>());
    case Activation::kRelu:
      return work(std::integral_constant<Activation, Activation::kRelu>());
    case Activation::kGelu:
      return work(std::integral_constant<Activation, Activation::kGelu>());
    case Activation::kSwish:
      return work(std::integral_constant<Activation, Activation::kSwish>());
    case Activation::kTanh:
      return work(std::integral_constant<Activation, Activation::kTanh>());
  }
}

// results = activation(values + bias), where `bias` may be null; with `inputs`, values + bias are
// stored there. `values` may be equal to `results` or `inputs`.
inline void Activate(Activation activation, const float* values, const float* bias, int64_t count,
                     float* inputs, float* results) {
  WithActivation(activation, [&](auto constant) {
    constexpr Activation kActivation = decltype(constant)::value;
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) {
      const float sum = values[i] + (bias == nullptr ? 0.0f : bias[i]);
      if (inputs != nullptr) inputs[i] = sum;
      results[i] = ActivationValue<kActivation>(sum);
    }
  });
}

}  // namespace s2s

#endif  // S2S_ACTIVATION_H_
