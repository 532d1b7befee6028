// The addon of custom ops. TensorFlow's registry learns of the ops from the static initialisers of
// this library; what it exports to JavaScript is defined here.
#include <malloc.h>
#include <node_api.h>

#include "packed_matrix.h"

namespace {

// releaseMemory(): returns free memory that the allocator holds to the system.
napi_value ReleaseMemory(napi_env, napi_callback_info) {
  malloc_trim(0);
  return nullptr;
}

// tuneAllocator(): sets malloc up for training, permanently and in the whole process. A training
// step allocates what the last one freed: memory returned to the system in between would cost a
// page fault every 4 KiB. There is one heap for all threads, because each heap would hold memory
// that other threads need.
napi_value TuneAllocator(napi_env, napi_callback_info) {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  return nullptr;
}

void ExportFunction(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

NAPI_MODULE_INIT() {
  ExportFunction(env, exports, "releaseMemory", ReleaseMemory);
  ExportFunction(env, exports, "tuneAllocator", TuneAllocator);
  // hasFasterFloat32MatMul: whether S2sMatMul is faster than TensorFlow's MatMul (oneDNN).
  napi_value is_faster;
  napi_get_boolean(env, !s2s::UsesOneDnn(), &is_faster);
  napi_set_named_property(env, exports, "hasFasterFloat32MatMul", is_faster);
  return exports;
}
