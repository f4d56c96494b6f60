// The page of a comparison: boxes and points keep their size on the photos.
import { watchPhoto } from "./lib/photo.js";

for (const photo of document.querySelectorAll(".compare-photos [data-photo]")) watchPhoto(photo);
