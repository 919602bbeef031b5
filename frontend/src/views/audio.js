// Sounds to play, each with its signal and its spectrogram; a line follows what is heard.
import { readArray } from "../lib/arrays.js";
import { element } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { colour } from "../lib/theme.js";
import style from "./audio.css";

function render(root, { sounds }, context) {
  const paints = [];
  for (const sound of sounds) root.append(player(sound, paints));
  const paint = () => paints.forEach((one) => one());
  context.onTheme(paint);
  paint();
}

function player(sound, paints) {
  const audio = element("audio", { controls: true, src: `data:audio/wav;base64,${sound.wav}`, "aria-label": `Play: ${sound.name}` });
  const signal = readArray(sound.signal);
  const [lanes, columns] = signal.shape;
  const wave = element("canvas", { width: columns, height: 90 * lanes, role: "img", "aria-label": `Signal of ${sound.samples} samples in ${lanes} lanes, up to ${number(sound.loudest, 3)}` });
  const { shape, data } = readArray(sound.spectrogram);
  const [rows, times] = shape;
  const spectrogram = element("canvas", { width: times, height: rows, role: "img", "aria-label": `Spectrogram up to ${number(sound.highest, 4)} hertz over ${number(sound.seconds, 3)} seconds; ${loudestBand(data, rows, times, sound.highest)}` });
  const needles = [wave, spectrogram].map(() => element("span", { class: "needle" }));
  const follow = () => {
    for (const needle of needles) needle.style.left = `${(100 * audio.currentTime) / sound.seconds}%`;
    if (!audio.paused) requestAnimationFrame(follow);
  };
  for (const event of ["play", "seeked", "timeupdate"]) audio.addEventListener(event, follow);
  paints.push(() => {
    const ink = colour(audio.parentElement, "--cold");
    const pen = wave.getContext("2d");
    pen.clearRect(0, 0, wave.width, wave.height);
    pen.fillStyle = ink;
    const scale = 42 / Math.max(sound.loudest, 1e-12);
    for (let lane = 0; lane < lanes; lane++)
      for (let x = 0; x < columns; x++) {
        const low = signal.data[2 * (lane * columns + x)];
        const high = signal.data[2 * (lane * columns + x) + 1];
        pen.fillRect(x, 90 * lane + 45 - high * scale, 1, Math.max(1, (high - low) * scale));
      }
    const [red, green, blue] = colour(audio.parentElement, "--warm-fill").match(/[\d.]+/g).map(Number);
    const pixels = new ImageData(times, rows);
    for (let row = 0; row < rows; row++)
      for (let x = 0; x < times; x++) {
        const share = Math.max(0, 1 + data[row * times + x] / 80); // 80 dB below the loudest is paper
        pixels.data.set([red, green, blue, 255 * share], 4 * ((rows - 1 - row) * times + x));
      }
    spectrogram.getContext("2d").putImageData(pixels, 0, 0);
  });
  return element("section", { class: "sound", "aria-label": sound.name }, [
    element("h3", {}, sound.name),
    audio,
    element("div", { class: "strip wave" }, [wave, needles[0]]),
    element("div", { class: "strip" }, [spectrogram, needles[1]]),
    element("p", { class: "words" }, `0 to ${number(sound.seconds, 3)} s; 0 to ${number(sound.highest, 4)} Hz upwards, 80 dB from paper to full colour`),
  ]);
}

function loudestBand(data, rows, times, highest) {
  let best = 0;
  let power = -Infinity;
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let x = 0; x < times; x++) sum += 10 ** (data[row * times + x] / 10);
    if (sum > power) [power, best] = [sum, row];
  }
  return `strongest near ${number((best / Math.max(rows - 1, 1)) * highest, 3)} hertz`;
}

export default { kind: "audio", style, render };
