// Number formats as TensorFlow names them, and as this folder computes with them.
#ifndef S2S_NUMBER_TYPE_H_
#define S2S_NUMBER_TYPE_H_

#include "numbers.h"
#include "tensorflow/core/framework/numeric_types.h"

namespace s2s {

template <typename T>
struct NumberTypeOf;
template <>
struct NumberTypeOf<float> {
  using Type = float;
};
template <>
struct NumberTypeOf<tensorflow::bfloat16> {
  using Type = Half;
};
template <typename T>
using NumberType = typename NumberTypeOf<T>::Type;

}  // namespace s2s

#endif  // S2S_NUMBER_TYPE_H_
