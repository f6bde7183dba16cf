// Stands after the preprocessed source of a module: how the driver calls a kernel whose parameter types only the
// compiler knows.
#pragma once

extern "C" __attribute__((visibility("hidden"))) unsigned char __bss_start[], _end[];

template <int... i> struct FettleIntegers {};
template <int n, int... i> struct FettleCount : FettleCount<n - 1, n - 1, i...> {};
template <int... i> struct FettleCount<0, i...> {
  typedef FettleIntegers<i...> type;
};

template <class Function, Function function> struct FettleCall;
template <class... P, void (*function)(P...)> struct FettleCall<void (*)(P...), function> {
  static constexpr int parameters = sizeof...(P);
  static constexpr int sizes[sizeof...(P) + 1] = {sizeof(P)..., 0};
  template <int... i> static void spread(void **arguments, FettleIntegers<i...>) {
    function(*static_cast<P *>(arguments[i])...);
  }
  static void call(void **arguments) { spread(arguments, typename FettleCount<sizeof...(P)>::type()); }
};

#define FETTLE_KERNEL(name, bound)                                                                                     \
  {#name, bound, FettleCall<decltype(&name), &name>::parameters, FettleCall<decltype(&name), &name>::sizes,            \
   FettleCall<decltype(&name), &name>::call}
