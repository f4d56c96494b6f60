// How htmx works here: the CSRF token, refusals that carry their own text, an ended session.
import { toast } from "./toast.js";

export function connectHtmx(root) {
  root.addEventListener("htmx:configRequest", (event) => {
    const token = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1]
      ?? document.querySelector("[name=csrfmiddlewaretoken]")?.value;
    if (token) event.detail.headers["X-CSRFToken"] = token;
  });
  root.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.responseURL && new URL(xhr.responseURL).pathname.startsWith("/accounts/login/")) {
      event.detail.shouldSwap = false;
      location.reload();
    } else if (xhr.status >= 400 && xhr.getResponseHeader("X-Fragment")) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  root.addEventListener("htmx:responseError", (event) => {
    const { text, code } = refusal(event.detail.xhr);
    toast(text, { code });
  });
  root.addEventListener("htmx:sendError", () => {
    toast("The platform does not answer. Trying again …");
  });
}

export function refusal(xhr) {
  const page = new DOMParser().parseFromString(xhr.responseText || "", "text/html");
  const text = page.querySelector("[data-refusal-detail]")?.textContent.trim();
  const code = page.querySelector("[data-refusal]")?.dataset.refusal ?? "";
  return { text: text || `The platform answered with ${xhr.status}.`, code };
}
