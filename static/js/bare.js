// Log in, set up, errors.
import { revealPasswords } from "./lib/forms.js";

revealPasswords(document);
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-back]")) history.back();
});
