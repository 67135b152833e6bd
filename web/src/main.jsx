import "./styles/index.css";
import { render } from "preact";
import { App } from "./frame/app.jsx";
import { startNotice } from "./frame/notice.js";
import { startClock } from "./lib/clock.js";
import { startRouter } from "./lib/router.js";
import { startBoard } from "./store/board.js";
import { startLive } from "./store/live.js";
import { startSession } from "./store/session.js";
import { startSettings } from "./store/settings.js";

startSettings();
startClock();
startRouter();
startNotice();
startBoard();
startSession();
startLive();
render(<App />, document.getElementById("app"));
