// The library of custom ops as Node loads it: its static initialisers register the ops with
// TensorFlow.
#include <malloc.h>
#include <node_api.h>

#include "product.h"

namespace {

// releaseMemory(): gives memory that is free, but kept by the allocator, back to the system.
napi_value ReleaseMemory(napi_env, napi_callback_info) {
  malloc_trim(0);
  return nullptr;
}

// tuneAllocator(): sets up malloc for training, in the whole process and for good. Tensors of a
// training step come and go. Memory that the allocator keeps is there at the next step; given back
// to the system it would cost a page fault every 4 KiB. One heap for all threads, because each heap
// would keep what the other threads need.
napi_value TuneAllocator(napi_env, napi_callback_info) {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  return nullptr;
}

void Export(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

NAPI_MODULE_INIT() {
  Export(env, exports, "releaseMemory", ReleaseMemory);
  Export(env, exports, "tuneAllocator", TuneAllocator);
  // multipliesFloats: whether S2sMatMul is faster than TensorFlow's MatMul, which multiplies with
  // oneDNN.
  napi_value multiplies;
  napi_get_boolean(env, !s2s::UsesOneDnn(), &multiplies);
  napi_set_named_property(env, exports, "multipliesFloats", multiplies);
  return exports;
}
