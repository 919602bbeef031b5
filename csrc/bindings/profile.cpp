// What ran, when and for how long: calls of operations from Python, and nodes run by the engine.
//
// While a profile is taken, the call slot of every function and method of the module is exchanged for one
// that notes the time around the original; before and after, nothing is different and nothing is paid.
#include <chrono>
#include <memory>
#include <unordered_map>

#include "bindings/python.h"

namespace penlight::bindings {

namespace {

struct Event {
  nb::object name;
  int64_t begin, end;  // nanoseconds of the steady clock
  uint64_t thread;
  nb::object shapes, result, stack;  // None where not asked for
  int64_t bytes;                     // of new memory behind the results
  bool backward;
};

struct Profile {
  bool shapes = false, stack = false;
  std::vector<Event> events;
  std::unordered_map<PyObject*, vectorcallfunc> originals;
  std::unordered_map<PyObject*, nb::object> names;
};

// Touched under Python's lock. Never destroyed: Python may be gone before it.
std::shared_ptr<Profile>& active() {
  static auto* profile = new std::shared_ptr<Profile>();
  return *profile;
}

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

uint64_t this_thread() {
  return static_cast<uint64_t>(PyThread_get_thread_native_id());
}

vectorcallfunc& slot_of(PyObject* function) {
  return *reinterpret_cast<vectorcallfunc*>(reinterpret_cast<char*>(function) +
                                            Py_TYPE(function)->tp_vectorcall_offset);
}

nb::object shape_of(nb::handle value) {
  if (is_tensor(value)) return nb::list(int_tuple(tensor_of(value).sizes()));
  nb::list list;
  if (PyList_Check(value.ptr()) || PyTuple_Check(value.ptr()))
    for (nb::handle item : nb::cast<nb::sequence>(value))
      if (is_tensor(item)) list.append(nb::list(int_tuple(tensor_of(item).sizes())));
  return list;
}

// Does an operation's result hold a tensor? Then visits each.
template <class F>
bool each_tensor(nb::handle result, F visit) {
  if (is_tensor(result)) {
    visit(tensor_of(result));
    return true;
  }
  bool any = false;
  if (PyList_Check(result.ptr()) || PyTuple_Check(result.ptr()))
    for (nb::handle item : nb::cast<nb::sequence>(result)) any |= each_tensor(item, visit);
  return any;
}

int64_t new_bytes(nb::handle result, PyObject* const* arguments, std::size_t count) {
  std::vector<const Storage*> seen;
  for (std::size_t i = 0; i < count; ++i)
    each_tensor(arguments[i], [&](const Tensor& x) { seen.push_back(x->storage.get()); });
  int64_t bytes = 0;
  each_tensor(result, [&](const Tensor& x) {
    const Storage* storage = x->storage.get();
    for (const Storage* one : seen)
      if (one == storage) return;
    seen.push_back(storage);
    bytes += storage->bytes();
  });
  return bytes;
}

// The callers' lines, innermost first.
nb::object python_stack() {
  nb::list list;
  PyFrameObject* frame = PyEval_GetFrame();
  Py_XINCREF(frame);
  while (frame) {
    const nb::object code = nb::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
    const nb::str file(nb::getattr(code, "co_filename")), function(nb::getattr(code, "co_name"));
    list.append(nb::str((std::string(file.c_str()) + "(" + std::to_string(PyFrame_GetLineNumber(frame)) +
                         "): " + function.c_str())
                            .c_str()));
    PyFrameObject* const caller = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = caller;
  }
  return list;
}

PyObject* timed_call(PyObject* function, PyObject* const* arguments, size_t flags, PyObject* keywords) {
  const std::shared_ptr<Profile> profile = active();  // which may end during the call
  const vectorcallfunc original = profile->originals.at(function);
  const std::size_t at = profile->events.size();
  profile->events.push_back({});  // its place in the order of beginnings
  const int64_t begin = now();
  PyObject* const result = original(function, arguments, flags, keywords);
  const int64_t end = now();
  if (active() != profile || at >= profile->events.size()) return result;
  Event& event = profile->events[at];
  const std::size_t count = static_cast<std::size_t>(PyVectorcall_NARGS(flags)) +
                            (keywords ? static_cast<std::size_t>(PyTuple_GET_SIZE(keywords)) : 0);
  // Questions about a tensor (its size, its type) are no operations, nor is what failed.
  if (!result || !(result == Py_None || each_tensor(result, [](const Tensor&) {}))) return result;
  event = {profile->names.at(function),         begin, end, this_thread(), nb::none(), nb::none(), nb::none(),
           new_bytes(result, arguments, count), false};
  if (profile->shapes) {
    nb::list list;
    for (std::size_t i = 0; i < count; ++i) list.append(shape_of(arguments[i]));
    profile->events[at].shapes = list;
    profile->events[at].result = shape_of(result);
  }
  if (profile->stack) profile->events[at].stack = python_stack();
  return result;
}

void node_ran(const Node& node, int64_t begin) {
  const std::shared_ptr<Profile>& profile = active();
  if (!profile) return;
  profile->events.push_back({nb::str(node.name().c_str()), begin, now(), this_thread(), nb::none(),
                             nb::none(), nb::none(), 0, true});
}

// __mul__ is mul; what begins with one underscore is the package's own affair.
std::string plain_name(const std::string& name) {
  if (name.size() > 4 && name.rfind("__", 0) == 0 && name.compare(name.size() - 2, 2, "__") == 0) {
    static const char* const unseen[] = {"__init__", "__new__",  "__len__",
                                         "__repr__", "__bool__", "__hash__"};
    for (const char* one : unseen)
      if (name == one) return {};
    return name.substr(2, name.size() - 4);
  }
  return name[0] == '_' ? std::string() : name;
}

void exchange(Profile& profile, nb::handle owner) {
  const nb::object dictionary = nb::getattr(owner, "__dict__");
  for (nb::handle item : dictionary.attr("items")()) {
    const nb::handle value = item[1];
    const std::string type = nb::cast<std::string>(nb::str(value.type().attr("__name__")));
    if (type != "nb_func" && type != "nb_method") continue;
    const std::string name = plain_name(nb::cast<std::string>(item[0]));
    if (name.empty() || profile.originals.count(value.ptr())) continue;
    profile.names[value.ptr()] = nb::str(name.c_str());
    profile.originals[value.ptr()] = slot_of(value.ptr());
    slot_of(value.ptr()) = timed_call;
    Py_INCREF(value.ptr());
  }
}

void start(bool shapes, bool stack) {
  check(!active(), "a profile is being taken already: penlight.profiler.profile cannot be nested");
  const auto profile = std::make_shared<Profile>();
  profile->shapes = shapes, profile->stack = stack;
  active() = profile;
  exchange(*profile, nb::module_::import_("penlight._C"));
  exchange(*profile, nb::module_::import_("penlight._C").attr("Tensor"));
  node_timer = {now, node_ran};
}

nb::list stop() {
  check(active() != nullptr, "no profile is being taken");
  const std::shared_ptr<Profile> profile = std::move(active());
  active() = nullptr;
  node_timer = {};
  for (const auto& [function, original] : profile->originals) {
    slot_of(function) = original;
    Py_DECREF(function);
  }
  nb::list list;
  for (const Event& event : profile->events)
    if (event.name.is_valid())
      list.append(nb::make_tuple(event.name, event.begin, event.end, event.thread, event.shapes, event.result,
                                 event.stack, event.bytes, event.backward));
  return list;
}

// An event of one's own: record_function.
void note(nb::str name, int64_t begin, int64_t end) {
  if (const std::shared_ptr<Profile>& profile = active())
    profile->events.push_back(
        {name, begin, end, this_thread(), nb::none(), nb::none(), nb::none(), 0, false});
}

void bind(nb::module_& m, TensorClass&) {
  m.def("_profile_start", start, "shapes"_a, "stack"_a);
  m.def("_profile_stop", stop);
  m.def("_profile_note", note, "name"_a, "begin"_a, "end"_a);
  m.def("_profile_now", now, "Nanoseconds of the clock that profiles use.");
  m.def("_profiling", [] { return active() != nullptr; });
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings
