/* A Kafka cluster in memory: librdkafka's own mock, told what to do by lines on standard input. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **given) {
  char text[512], name[256];
  int brokers = count > 1 ? atoi(given[1]) : 1, one, two, three;
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "log_level", "0", text, sizeof(text));
  rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
  if (!kafka) return 1;
  rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(kafka, brokers);
  if (!cluster) return 1;
  printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
  fflush(stdout);
  while (fgets(text, sizeof(text), stdin)) {
    if (sscanf(text, "topic %255s %d", name, &one) == 2) {
      rd_kafka_mock_topic_create(cluster, name, one, 1);
    } else if (sscanf(text, "down %d", &one) == 1) {
      rd_kafka_mock_broker_set_down(cluster, one);
    } else if (sscanf(text, "up %d", &one) == 1) {
      rd_kafka_mock_broker_set_up(cluster, one);
    } else if (sscanf(text, "latency %d %d", &one, &two) == 2) {
      rd_kafka_mock_broker_set_rtt(cluster, one, two);
    } else if (sscanf(text, "error %d %d %d", &one, &two, &three) == 3) {
      for (; three > 0; three--) rd_kafka_mock_push_request_errors(cluster, one, 1, two);
    }
    printf("done\n");
    fflush(stdout);
  }
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(kafka);
  return 0;
}
