//! `/metrics`, for Prometheus.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::services::monitoring::Monitoring;
use crate::telemetry::metrics::set_levels;

/// Served apart from everything else: figures are for operators only.
pub(crate) fn router(monitoring: Monitoring, recorded: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(show)).with_state((monitoring, recorded))
}

/// Prometheus' text format.
async fn show(State((monitoring, recorded)): State<(Monitoring, PrometheusHandle)>) -> impl IntoResponse {
    set_levels(&monitoring.levels().await);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorded.render())
}
