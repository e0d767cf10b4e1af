// Browsers run no modules from files, so this, which is none, tells what to do.
if (location.protocol === "file:") {
  document.getElementById("opened-as-file").hidden = false;
}
