// Work that a moving slider asks for: one at a time, and after it the last that was asked meanwhile.

/** run(work): work is a function that may give a promise; those overtaken by a later one are never started. */
export function latest() {
  let busy = false;
  let next = null;
  return function run(work) {
    if (busy) {
      next = work;
      return;
    }
    let result;
    try {
      result = work();
    } catch (error) {
      console.error(error);
      return;
    }
    if (!result?.then) return; // done at once
    busy = true;
    result.catch(console.error).then(() => {
      busy = false;
      const waiting = next;
      next = null;
      if (waiting) run(waiting);
    });
  };
}
