// Loads a shared library with stderr redirected to the null device. While they are loaded,
// TensorFlow and absl write lines to stderr that no setting suppresses: "All log messages before
// absl::InitializeLog() is called are written to STDERR".
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <string>

namespace {

// Redirects stderr to the null device during its lifetime.
class SilencedStderr {
 public:
  SilencedStderr() {
    const int null_device = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null_device < 0) return;
    saved_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (saved_ >= 0) dup2(null_device, STDERR_FILENO);
    close(null_device);
  }
  ~SilencedStderr() {
    if (saved_ < 0) return;
    dup2(saved_, STDERR_FILENO);
    close(saved_);
  }

 private:
  int saved_ = -1;
};

// quietLoad(path): loads the library. Returns undefined, or why it could not be loaded.
napi_value QuietLoad(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  size_t length = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count != 1 || napi_get_value_string_utf8(env, argument, nullptr, 0, &length) != napi_ok) {
    napi_throw_type_error(env, nullptr, "quietLoad expects the path of a library");
    return nullptr;
  }
  std::string path(length + 1, '\0');
  napi_get_value_string_utf8(env, argument, path.data(), path.size(), &length);
  std::string error;
  {
    SilencedStderr silenced;
    if (dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL) == nullptr) error = dlerror();
  }
  napi_value result = nullptr;
  if (!error.empty()) napi_create_string_utf8(env, error.c_str(), error.size(), &result);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "quietLoad", NAPI_AUTO_LENGTH, QuietLoad, nullptr, &function);
  napi_set_named_property(env, exports, "quietLoad", function);
  return exports;
}
