// A button beside what is to be copied; without it, the text can be selected by hand.
for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
    } catch { // not over plain http
      document.execCommand("copy");
    }
    button.textContent = "Copied";
  });
}
