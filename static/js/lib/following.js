// Follows faces from frame to frame of a webcam, and fuses what was said about each of them.

const OVERLAP = 0.3; // intersection over union from which two boxes are one face
const WINDOW = 7; // answers that count, the newest
const CONFIRM = 3; // answers that must name somebody, and more than half of those that count
const LOST = 4; // frames without a face after which it is forgotten

export class Following {
  #tracks = [];

  // Takes the faces of one frame; returns them with the decision of all their frames.
  update(faces) {
    for (const track of this.#tracks) track.missed += 1;
    const pairs = faces
      .flatMap((face) => this.#tracks.map((track) => ({ face, track, shared: overlap(face.box, track.box) })))
      .filter(({ shared }) => shared >= OVERLAP)
      .sort((a, b) => b.shared - a.shared);
    const chosen = new Map();
    const taken = new Set();
    for (const { face, track } of pairs) {
      if (chosen.has(face) || taken.has(track)) continue;
      chosen.set(face, track);
      taken.add(track);
    }
    const shown = faces.map((face) => this.#follow(face, chosen.get(face)));
    this.#tracks = this.#tracks.filter((track) => track.missed <= LOST);
    return shown;
  }

  #follow(face, known) {
    const track = known ?? { answers: [] };
    if (!known) this.#tracks.push(track);
    track.box = face.box;
    track.missed = 0;
    track.answers = [...track.answers, face].slice(-WINDOW);
    return { ...face, ...fused(track.answers) };
  }
}

function fused(answers) {
  const votes = new Map();
  for (const { decision, identity } of answers) {
    if (decision === "identified" && identity) votes.set(identity.id, (votes.get(identity.id) ?? 0) + 1);
  }
  const [id, most] = [...votes].sort((a, b) => b[1] - a[1])[0] ?? [null, 0];
  if (most >= CONFIRM && most > answers.length / 2) {
    return { decision: "identified", identity: answers.findLast((one) => one.identity?.id === id).identity };
  }
  if (answers.length < CONFIRM) return { decision: "looking", identity: null };
  const poor = answers.filter((one) => one.decision === "low_quality").length;
  return { decision: poor > answers.length / 2 ? "low_quality" : "unknown", identity: null };
}

function overlap(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  const shared = width * height;
  return shared / (area(a) + area(b) - shared);
}
