// What was before the person's eyes: how long each item was at least half in the window, or filled half of it. It is
// sent beside the page and never through it, so that no click waits for it and nothing is drawn again.

const TOLD = 20 * 1000; // between two reports, in milliseconds
const WORTH_TELLING = 1000;
const STEPS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

function watch(items, address) {
  const since = new Map(); // in view now -> from when
  const untold = new Map(); // id -> milliseconds
  const ids = new Map(items.map(({ element, id }) => [element, id]));

  const observer = new IntersectionObserver((entries) => entries.forEach(note), { threshold: STEPS });
  ids.forEach((_id, element) => observer.observe(element));
  const timer = setInterval(tell, TOLD);
  document.addEventListener("visibilitychange", turned);

  function note({ target, isIntersecting, intersectionRatio, intersectionRect, rootBounds }) {
    const fills = rootBounds !== null && intersectionRect.height >= rootBounds.height / 2;
    const seen = isIntersecting && (intersectionRatio >= 0.5 || fills);
    if (seen && !since.has(target)) since.set(target, performance.now());
    if (!seen && since.has(target)) {
      add(target);
      since.delete(target);
    }
  }

  function add(target) {
    const now = performance.now();
    if (document.visibilityState === "visible") {
      untold.set(ids.get(target), (untold.get(ids.get(target)) ?? 0) + now - since.get(target));
    }
    since.set(target, now);
  }

  function turned() {
    const now = performance.now();
    if (document.visibilityState === "visible") since.forEach((_from, target) => since.set(target, now));
    else {
      since.forEach((from, target) => {
        untold.set(ids.get(target), (untold.get(ids.get(target)) ?? 0) + now - from);
        since.set(target, now);
      });
      send();
    }
  }

  function tell() {
    since.forEach((_from, target) => add(target));
    send();
  }

  function send() {
    const ready = [...untold].filter(([, milliseconds]) => milliseconds >= WORTH_TELLING);
    if (!ready.length) return;
    const seen = Object.fromEntries(ready.map(([id, milliseconds]) => [id, Math.round(milliseconds)]));
    const report = new Blob([JSON.stringify({ seen })], { type: "application/json" });
    if (navigator.sendBeacon(address, report)) ready.forEach(([id]) => untold.delete(id));
  }

  return () => {
    tell();
    clearInterval(timer);
    observer.disconnect();
    document.removeEventListener("visibilitychange", turned);
  };
}
