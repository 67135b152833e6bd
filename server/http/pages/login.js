"use strict";
// A preview that runs scripts shows the page to nobody.
if (document.visibilityState === "visible") {
    document.getElementById("login").submit();
}
