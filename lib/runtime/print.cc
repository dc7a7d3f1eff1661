#include "runtime/print.h"

#include <cstdarg>
#include <cstdio>

namespace ringway {

void print(std::string& to, const char* format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  to += line;
}

}  // namespace ringway
