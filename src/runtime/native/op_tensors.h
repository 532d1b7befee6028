// Inputs and outputs of an op as pointers, and checks of its inputs.
#ifndef S2S_OP_TENSORS_H_
#define S2S_OP_TENSORS_H_

#include "dtype.h"
#include "tensorflow/core/framework/numeric_types.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace s2s {

template <typename T>
struct StorageOf {
  using Type = T;
};
template <>
struct StorageOf<tensorflow::bfloat16> {
  using Type = Bfloat16;
};
// The type that the kernels here use for elements of TensorFlow's type T.
template <typename T>
using Storage = typename StorageOf<T>::Type;

template <typename T>
inline const Storage<T>* InputData(tensorflow::OpKernelContext* context, int input) {
  return reinterpret_cast<const Storage<T>*>(context->input(input).flat<T>().data());
}

template <typename T>
absl::Status AllocateOutput(tensorflow::OpKernelContext* context, int output,
                            const tensorflow::TensorShape& shape, Storage<T>** data) {
  tensorflow::Tensor* tensor = nullptr;
  TF_RETURN_IF_ERROR(context->allocate_output(output, shape, &tensor));
  *data = reinterpret_cast<Storage<T>*>(tensor->flat<T>().data());
  return absl::OkStatus();
}

// Error InvalidArgument unless the condition holds.
inline absl::Status CheckArgument(bool condition, const char* message) {
  return condition ? absl::OkStatus() : tensorflow::errors::InvalidArgument(message);
}

inline absl::Status CheckShape(tensorflow::OpKernelContext* context, int input,
                               const tensorflow::TensorShape& shape, const char* message) {
  return CheckArgument(context->input(input).shape() == shape, message);
}

}  // namespace s2s

#endif  // S2S_OP_TENSORS_H_
