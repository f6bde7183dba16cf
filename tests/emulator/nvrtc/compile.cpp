// From CUDA C++ to a shared library: preprocess, find the kernels in what is left, add a table of them, compile.
// Finished libraries are kept in the folder `kernels` beside this library.
#include "compile.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <fstream>
#include <regex>
#include <spawn.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace {

// The folder of this library, where the driver and the folder `device` lie as well.
std::string homeFolder() {
  Dl_info info;
  dladdr(reinterpret_cast<void *>(homeFolder), &info);
  std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/'));
}

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void writeFile(const std::string &path, const std::string &text) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    mkdir(path.substr(0, slash).c_str(), 0777);
  }
  std::ofstream(path, std::ios::binary) << text;
}

// FNV-1a, once from each end of the text.
std::string hash(const std::string &text) {
  uint64_t forward = 0xcbf29ce484222325u, backward = forward;
  for (size_t i = 0; i < text.size(); i++) {
    forward = (forward ^ static_cast<unsigned char>(text[i])) * 0x100000001b3u;
    backward = (backward ^ static_cast<unsigned char>(text[text.size() - 1 - i])) * 0x100000001b3u;
  }
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(forward),
                static_cast<unsigned long long>(backward));
  return digits;
}

// Runs the command without a shell; what it writes goes to the file `output`. True if it succeeds.
bool run(const std::vector<std::string> &command, const std::string &output) {
  std::vector<char *> words;
  for (const std::string &word : command) words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  pid_t child;
  bool started = posix_spawnp(&child, words[0], &files, nullptr, words.data(), environ) == 0;
  posix_spawn_file_actions_destroy(&files);
  if (!started) return false;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Text between the parenthesis at `open` and the one that closes it.
std::string inParentheses(const std::string &text, size_t open) {
  size_t at = open + 1;
  for (int depth = 1; at < text.size() && depth > 0; at++) depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
  return text.substr(open + 1, at - open - 2);
}

// The table of kernels that `device/module.h` and the driver know: `extern "C" __global__ ... name(`.
std::string kernelTable(const std::string &preprocessed) {
  static const std::regex start("extern\\s*\"C\"\\s*__global__"), bounds("__launch_bounds__\\s*\\("),
      name("void\\s+(?:__launch_bounds__\\s*\\([^{;]*?\\)\\s*)?(\\w+)\\s*\\(");
  std::ostringstream table;
  table << "extern \"C\" const FettleKernel fettle_kernels[] = {\n";
  for (std::sregex_iterator at(preprocessed.begin(), preprocessed.end(), start), end; at != end; ++at) {
    std::string rest = preprocessed.substr(static_cast<size_t>(at->position()), 2000);
    std::smatch found;
    if (!std::regex_search(rest, found, name)) continue;
    std::string head = rest.substr(0, static_cast<size_t>(found.position() + found.length())), bound = "0";
    std::smatch limit;
    if (std::regex_search(head, limit, bounds)) {
      std::string arguments = inParentheses(head, static_cast<size_t>(limit.position() + limit.length() - 1));
      bound = "static_cast<int>(" + arguments.substr(0, arguments.find(',')) + ")";
    }
    table << "    FETTLE_KERNEL(" << found[1] << ", (" << bound << ")),\n";
  }
  table << "    {nullptr, 0, 0, nullptr, nullptr},\n};\n"
           "extern \"C\" __attribute__((visibility(\"default\"))) const FettleModule fettle_module = {fettle_kernels, "
           "__bss_start, _end};\n";
  return table.str();
}

// A folder for the files of one compilation, gone at its end.
struct WorkFolder {
  std::string path;
  explicit WorkFolder(const std::string &parent) {
    std::string pattern = parent + "/compiling-XXXXXX";
    mkdir(parent.c_str(), 0777);
    if (mkdtemp(pattern.data()) != nullptr) path = pattern;
  }
  ~WorkFolder() {
    std::string discarded = "/dev/null";
    if (!path.empty()) run({"rm", "-r", path}, discarded);
  }
};

bool build(const Source &source, const std::vector<std::string> &definitions, const std::string &kept,
           std::string &log) {
  std::string home = homeFolder();
  WorkFolder work(home + "/kernels");
  if (work.path.empty()) {
    log = "emulator: cannot write into " + home + "/kernels\n";
    return false;
  }
  std::string input = work.path + "/source.cu", output = work.path + "/output", expanded = work.path + "/expanded.ii";
  writeFile(input, "#line 1 \"" + source.name + "\"\n" + source.text);
  for (const auto &[name, text] : source.headers) writeFile(work.path + "/" + name, text);

  std::vector<std::string> preprocess = {"g++", "-x", "c++", "-std=c++17", "-E", "-I", work.path, "-o", expanded};
  for (const char *header : {"cooperation.h", "warpgroup.h", "math.h"}) {
    preprocess.insert(preprocess.end(), {"-include", home + "/device/" + header});
  }
  preprocess.insert(preprocess.end(), definitions.begin(), definitions.end());
  preprocess.push_back(input);
  if (!run(preprocess, output)) {
    log = readFile(output);
    return false;
  }

  std::string text = readFile(expanded);
  std::string unit = work.path + "/unit.cpp", library = work.path + "/library.so";
  writeFile(unit, "#define __global__\n#define __launch_bounds__(...)\n" + text + "\n#include \"" + home +
                      "/device/module.h\"\n" + kernelTable(text));
  // Symbols of one library must not answer for another's: two may hold the same kernel with other macros. Two steps,
  // since linking with -fsanitize would add libubsan, in whose place the driver answers.
  std::string object = work.path + "/unit.o";
  bool compiled = run({"g++", "-c", "-std=c++17", "-O1", "-w", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique",
                       "-fno-exceptions", "-fno-rtti", "-fno-strict-aliasing", "-fsanitize=alignment,bounds",
                       "-fno-sanitize-recover=all", "-o", object, unit},
                      output);
  // Without start files, nothing but static shared memory is in the library's .bss section.
  bool linked = compiled &&
                run({"g++", "-shared", "-nostartfiles", "-o", library, object, home + "/libcuda.so.1", "-lm"}, output);
  log = readFile(output);
  return linked && rename(library.c_str(), kept.c_str()) == 0;
}

bool startsWith(const std::string &text, const char *start) { return text.rfind(start, 0) == 0; }

} // namespace

bool readOptions(const std::vector<std::string> &options, std::vector<std::string> &definitions, std::string &log) {
  static const char *const ignored[] = {"--std=",    "-default-device", "--use_fast_math",
                                        "-lineinfo", "--fmad=",         "--extra-device-vectorization"};
  for (const std::string &option : options) {
    size_t equals = option.find('=');
    if (startsWith(option, "-D")) definitions.push_back(option);
    else if (startsWith(option, "--define-macro=")) definitions.push_back("-D" + option.substr(equals + 1));
    else if (startsWith(option, "--gpu-architecture=") || startsWith(option, "-arch=")) {
      int architecture = std::atoi(option.c_str() + option.find('_') + 1); // sm_90, compute_90
      definitions.push_back("-D__CUDA_ARCH__=" + std::to_string(10 * architecture));
    } else {
      bool known = false;
      for (const char *word : ignored) known = known || startsWith(option, word);
      if (!known) {
        log = "emulator: unknown option " + option + "\n";
        return false;
      }
    }
  }
  definitions.push_back("-D__CUDACC__");
  definitions.push_back("-D__CUDACC_RTC__");
  return true;
}

bool compile(const Source &source, const std::vector<std::string> &definitions, std::string &library,
             std::string &log) {
  std::string everything = source.name + '\0' + source.text;
  for (const auto &[name, text] : source.headers) everything += '\0' + name + '\0' + text;
  for (const std::string &definition : definitions) everything += '\0' + definition;
  std::string kept = homeFolder() + "/kernels/" + hash(everything) + ".so";
  log.clear();
  if (access(kept.c_str(), R_OK) != 0 && !build(source, definitions, kept, log)) return false;
  library = readFile(kept);
  return true;
}
