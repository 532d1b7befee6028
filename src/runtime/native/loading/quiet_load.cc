// Opens a library with stderr shut. TensorFlow and absl write lines to it while they are loaded
// that no setting stops: "All log messages before absl::InitializeLog() is called are written to
// STDERR". A failure is returned, not lost.
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <string>

namespace {

// Sends stderr to the null device as long as it lives.
class ShutStderr {
 public:
  ShutStderr() {
    const int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (sink < 0) return;
    saved_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (saved_ >= 0) dup2(sink, STDERR_FILENO);
    close(sink);
  }
  ~ShutStderr() {
    if (saved_ < 0) return;
    dup2(saved_, STDERR_FILENO);
    close(saved_);
  }

 private:
  int saved_ = -1;
};

// quietLoad(path): undefined, or the reason why the library could not be opened.
napi_value QuietLoad(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  size_t length = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count != 1 || napi_get_value_string_utf8(env, argument, nullptr, 0, &length) != napi_ok) {
    napi_throw_type_error(env, nullptr, "quietLoad takes the path of a library");
    return nullptr;
  }
  std::string path(length + 1, '\0');
  napi_get_value_string_utf8(env, argument, path.data(), path.size(), &length);
  std::string reason;
  {
    ShutStderr shut;
    if (dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL) == nullptr) reason = dlerror();
  }
  napi_value result = nullptr;
  if (!reason.empty()) napi_create_string_utf8(env, reason.c_str(), reason.size(), &result);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "quietLoad", NAPI_AUTO_LENGTH, QuietLoad, nullptr, &function);
  napi_set_named_property(env, exports, "quietLoad", function);
  return exports;
}
